"""The last token."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import last_token


class Last(TokenPooling):
    """The state of the last real token: [SEP] in a BERT, the last word's piece without special tokens.

    ``x[n-1]``: what decoders are read by, whose last token alone has seen the whole text. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Neelakantan et al. (2022), "Text and Code Embeddings by Contrastive Pre-Training", arXiv:2201.10005, section 2;
        sentence-transformers' ``Pooling`` ("lasttoken"). Differs: zeros, not the last state, for an all-padding row.
    Example:
        >>> import torch
        >>> Last(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, False]]), PoolingContext())
        tensor([[1.]])
    """

    formula: ClassVar[str] = "x[n-1]"
    source: ClassVar[str] = "Neelakantan 2022, arXiv:2201.10005"
    linear_in_tokens: ClassVar[bool] = True
    selects_token: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Select the last real token."""
        return last_token(hidden, self.kept(mask, context))

"""The first token."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import first_token


class Cls(TokenPooling):
    """The state of the first real token, [CLS] in a BERT.

    ``x[0]``. The first *real* token also under left padding; the last where the tokenizer puts [CLS] behind the text
    (XLNet); zeros for an all-padding row.

    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, section 3. Differs: none under right padding; for an all-padding
        row zeros, where sentence-transformers gives what stands at padding.
    Example:
        >>> import torch
        >>> Cls(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[False, True]]), PoolingContext())
        tensor([[3.]])
    """

    formula: ClassVar[str] = "x[0]"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805"
    linear_in_tokens: ClassVar[bool] = True
    selects_token: ClassVar[bool] = True
    reads_first_token: ClassVar[bool] = True
    uses_cls: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Select [CLS]."""
        return first_token(hidden, self.cls_mask(mask, context))

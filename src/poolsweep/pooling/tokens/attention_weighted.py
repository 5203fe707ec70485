"""The mean weighted by the encoder's own attention."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import accumulation_dtype, at_least_float32, first_token, weigh_tokens, zero_padding


class AttentionWeighted(TokenPooling):
    """The mean of the tokens weighted by how much the encoder's first token attends to them, averaged over heads.

    ``Σ a[t] x[t] / Σ a[t]``, a = the mean over heads of the attention from the first real token in layer
    ``attention_layer``: a weighting that costs no parameter. Padding gets no weight; zeros for an all-padding row.

    Args:
        attention_layer: Layer whose attention is taken: 0 = the first transformer layer, -1 = the last.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If the encoder gave no attentions, or has no such layer.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805 (the attentions are the model's fourth output). Differs: none;
        the weights are ours to sum to 1 over the tokens that count.
    Example:
        >>> attention = torch.tensor([[[[0.25, 0.75], [0.5, 0.5]]]])
        >>> context = PoolingContext(attentions=(attention,))
        >>> hidden, mask = torch.tensor([[[0.0], [4.0]]]), torch.tensor([[True, True]])
        >>> AttentionWeighted(attention_layer=-1, input_size=1)(hidden, mask, context)
        tensor([[3.]])
    """

    formula: ClassVar[str] = "Σ a[t] x[t] / Σ a[t], a = mean over heads of attention[{attention_layer}] from x[0]"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805"
    uses_cls: ClassVar[bool] = True
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True
    context_needed: frozenset[str] = frozenset({"attentions"})

    def __init__(self, *, attention_layer: int, input_size: int, include_special: bool = True) -> None:
        super().__init__(input_size=input_size, include_special=include_special)
        self.attention_layer = attention_layer

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Average the tokens by the encoder's attention."""
        kept = self.kept(mask, context)
        weights = self._weights(self._attention(context), self.cls_mask(mask, context), kept)
        return weigh_tokens(weights[:, None], zero_padding(hidden, kept))[:, 0]

    def _attention(self, context: PoolingContext) -> Tensor:
        if context.attentions is None:
            raise ValueError(
                "pooling.tokens=attention_weighted needs an encoder that returns its attentions; "
                "set encoder.attention=eager"
            )
        depth = len(context.attentions)
        if not -depth <= self.attention_layer < depth:
            raise ValueError(
                f"pooling.tokens.attention_layer must lie between {-depth} and {depth - 1} for an encoder of {depth} "
                f"layers, got {self.attention_layer}"
            )
        return context.attentions[self.attention_layer]

    def _weights(self, attention: Tensor, cls: Tensor, kept: Tensor) -> Tensor:
        heads = at_least_float32(first_token(attention.transpose(1, 2).flatten(2), cls))
        heads = heads.unflatten(1, (attention.shape[1], attention.shape[3]))
        weights = heads.mean(dim=1).masked_fill(~kept, 0)
        # If the first token looks at nothing but what is left out, the tokens that are left count the same.
        total = weights.sum(dim=1, keepdim=True)
        even = kept.to(accumulation_dtype(weights.dtype)) / kept.sum(dim=1, keepdim=True).clamp(min=1)
        smallest = torch.finfo(weights.dtype).tiny
        return torch.where(total > smallest, weights / total.clamp(min=smallest), even)

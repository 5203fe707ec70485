"""The first token attends over the sequence."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import attend, first_token, zero_padding
from poolsweep.pooling.tokens.heads import check_heads


class ClsAttention(TokenPooling):
    """The state of the first real token attends over all tokens, in one more multi-head attention layer.

    ``MHA(x[0], x, x)``: [CLS] gathers once more what fine-tuning needs. Beside the maximum over layers this is
    MaxPoolBERT. Zeros for an all-padding row.

    Args:
        num_heads: Attention heads; must divide the token's size.
        input_size: Size of a token's vector.
        include_special: False lets it attend to no special token, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If ``num_heads`` does not divide ``input_size``.
    Reference:
        Behrendt et al. (2025), "MaxPoolBERT", arXiv:2505.15696, section 3. Differs: none known; no dropout, residual
        or normalisation around the attention.
    Example:
        >>> import torch
        >>> pooling = ClsAttention(num_heads=2, input_size=4)
        >>> hidden, mask = torch.ones(1, 2, 4), torch.tensor([[True, True]])
        >>> pooling.explain(hidden, mask, PoolingContext())["weights"].tolist()
        [[[0.5, 0.5], [0.5, 0.5]]]
    """

    formula: ClassVar[str] = "MHA(x[0], x, x), {num_heads} heads"
    source: ClassVar[str] = "Behrendt 2025, arXiv:2505.15696"
    uses_cls: ClassVar[bool] = True

    def __init__(self, *, num_heads: PositiveInt, input_size: int, include_special: bool = True) -> None:
        check_heads(num_heads, size=input_size)
        super().__init__(input_size=input_size, include_special=include_special)
        self.num_heads = num_heads
        self.query, self.key, self.value, self.output = (nn.Linear(input_size, input_size) for _ in range(4))

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Let the first token attend over the sequence."""
        attended, _ = self._attend(hidden, mask, context)
        return self.output(attended[:, 0]).masked_fill(~mask.any(dim=1, keepdim=True), 0)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The attention of each head: (B, num_heads, T)."""
        return {"weights": self._attend(hidden, mask, context)[1][:, :, 0]}

    def _attend(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> tuple[Tensor, Tensor]:
        kept = self.kept(mask, context)
        states = zero_padding(hidden, kept)
        query = self.query(first_token(hidden, self.cls_mask(mask, context)))[:, None]
        return attend(query, self.key(states), self.value(states), kept, num_heads=self.num_heads)

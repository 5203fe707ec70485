"""The encoder's own pooler."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling


class Pooler(TokenPooling):
    """The encoder's own pooler: a dense layer and tanh over the first real token of the last layer.

    ``tanh(W x[0] + b)``. The weights belong to the encoder (trained in pre-training on sentence order) and train or
    freeze with it. It reads the last layer, so ``Pooling`` refuses any layer mix but ``last`` beside it. Zeros for an
    all-padding row.

    Shape:
        hidden (B, T, H) float, not read; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If the encoder gave no pooler output.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, section 3.1; transformers' ``BertPooler``. Differs: reads the
        first *real* token, so left padding gives the same answer.
    Example:
        >>> import torch
        >>> context = PoolingContext(pooler_output=torch.tensor([[0.5]]))
        >>> Pooler(input_size=1)(torch.zeros(1, 2, 1), torch.tensor([[True, True]]), context)
        tensor([[0.5000]])
    """

    formula: ClassVar[str] = "tanh(W x[0] + b)"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805"
    needs_last_layer: ClassVar[bool] = True
    reads_first_token: ClassVar[bool] = True
    uses_cls: ClassVar[bool] = True
    context_needed: frozenset[str] = frozenset({"pooler_output"})

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Return the encoder's pooler output."""
        if context.pooler_output is None:
            raise ValueError("pooling.tokens=pooler needs an encoder with a pooler, and this one has none")
        return context.pooler_output.masked_fill(~mask.any(dim=1, keepdim=True), 0)

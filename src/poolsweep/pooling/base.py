"""What every pooling is made of: the two halves' base classes and the context they may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True)
class PoolingContext:
    """What a few poolings need beside the hidden states.

    Attributes:
        pooler_output: (B, H), the encoder's own pooler over the first real token.
        attentions: One (B, heads, T, T) per encoder layer.
        special: (B, T) bool, True at special tokens ([CLS], [SEP], ...).
        template: (B, T) bool, True at the [MASK] of an input template.
    """

    pooler_output: Tensor | None = None
    attentions: tuple[Tensor, ...] | None = None
    special: Tensor | None = None
    template: Tensor | None = None


class LayerMix(nn.Module):
    """Combines the hidden states of some layers into one, token by token.

    A subclass takes the derived sizes ``num_layers`` and ``hidden_size`` beside its own options, sets
    ``layers_needed`` and ``output_size``, and never looks across tokens.

    Attributes:
        layers_needed: Indices into the encoder's hidden states, 0 = embeddings, ``num_layers`` = last layer.
        output_size: Size of the mixed vector of a token.
        formula: The arithmetic in one line, for ``poolsweep poolings``.
        linear: The mix is a linear map of the states whose weights do not depend on them.
        concatenates: Each output dimension is a copy of one dimension of one layer.
    """

    formula: ClassVar[str] = ""
    linear: ClassVar[bool] = False
    concatenates: ClassVar[bool] = False

    def __init__(self, *, layers_needed: Sequence[int], output_size: int) -> None:
        super().__init__()
        self.layers_needed = tuple(layers_needed)
        self.output_size = output_size

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers.

        Shape:
            hidden: one (B, T, H) for each of ``layers_needed``, in that order; returns (B, T, output_size).
        """
        raise TypeError(f"{type(self).__name__} does not define forward(hidden)")

    def auxiliary_loss(self) -> Tensor | None:
        """A penalty to add to the loss of the last forward pass, or None."""
        return None


class TokenPooling(nn.Module):
    """Turns the token vectors of a text into one vector.

    A subclass takes the derived size ``input_size`` beside its own options and sets ``output_size``.

    Attributes:
        output_size: D, the size of the pooled vector.
        formula: The arithmetic in one line, for ``poolsweep poolings``.
        linear_in_tokens: The result is a weighted sum of the tokens, with weights that do not depend on them.
        selects_token: The result is the vector of one token, chosen by position.
        per_dimension: Each output dimension depends on the same dimension of the tokens alone.
        context_needed: Names of the ``PoolingContext`` fields that ``forward`` reads.
    """

    formula: ClassVar[str] = ""
    linear_in_tokens: ClassVar[bool] = False
    selects_token: ClassVar[bool] = False
    per_dimension: ClassVar[bool] = False
    context_needed: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *, input_size: int, output_size: int | None = None) -> None:
        super().__init__()
        self.input_size = input_size
        self.output_size = input_size if output_size is None else output_size

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Pool the tokens.

        Shape:
            hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, output_size).
        """
        raise TypeError(f"{type(self).__name__} does not define forward(hidden, mask, context)")

    def auxiliary_loss(self) -> Tensor | None:
        """A penalty to add to the loss of the last forward pass, or None."""
        return None

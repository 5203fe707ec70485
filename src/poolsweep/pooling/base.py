"""What every pooling is made of: the two halves' base classes and the context they may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from poolsweep.pooling.functional import normalise_state, restrict

if TYPE_CHECKING:
    from poolsweep.pooling.windows import Windows


@dataclass(frozen=True)
class PoolingContext:
    """What a few poolings need beside the hidden states.

    Attributes:
        pooler_output: (B, H), the encoder's own pooler over the first real token.
        attentions: One (B, heads, T, T) per encoder layer.
        special: (B, T) bool, True at special tokens ([CLS], [SEP], ...).
        template: (B, T) bool, True at the [MASK] of an input template, or else at the last copy of the text in it.
        cls: (B, T) bool, True at [CLS] where that is not the first real token (XLNet puts it last).
        prefix: (B, T) bool, True at tokens before the text that the encoder reads and no pooling does (a prompt).
        windows: Which rows are windows of one document, for ``WindowedPooling``; None = each row is a text.
    """

    pooler_output: Tensor | None = None
    attentions: tuple[Tensor, ...] | None = None
    special: Tensor | None = None
    template: Tensor | None = None
    cls: Tensor | None = None
    prefix: Tensor | None = None
    windows: Windows | None = None


def as_bool(mask: Tensor) -> Tensor:
    """A mask as poolings read it, of one of 0 and 1 as tokenizers write it.

    Shape:
        mask (B, T) bool or numbers, not 0 = real token; returns (B, T) bool.
    """
    return mask if mask.dtype is torch.bool else mask.bool()


class LayerMix(nn.Module):
    """Combines the hidden states of some layers into one, token by token.

    A subclass takes the derived sizes ``num_layers`` and ``hidden_size`` beside its own options, sets
    ``layers_needed`` and ``output_size``, reads the layers through ``states`` and never looks across tokens.

    Args:
        layers_needed: Indices into the encoder's hidden states, 0 = embeddings, ``num_layers`` = last layer.
        output_size: Size of the mixed vector of a token.
        norm_per_layer: Bring every token of every layer to mean 0 and variance 1 before the mix, without learned
            parameters: for pre-norm encoders, whose layers differ in scale. The mix is then not ``linear``.

    Attributes:
        formula: The arithmetic in one line, for ``poolsweep poolings``; ``{name}`` stands for the attribute.
        source: A short citation.
        linear: The mix is a linear map of the states whose weights do not depend on them.
        concatenates: Each output dimension is a copy of one dimension of one layer.
        passes_last_layer: The result is the encoder's last hidden state, unchanged.
        onnx_exportable: ``torch.onnx.export`` can write it; where not, the docstring says why.
    """

    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    onnx_exportable: ClassVar[bool] = True
    linear: bool = False
    concatenates: bool = False
    passes_last_layer: bool = False

    def __init__(self, *, layers_needed: Sequence[int], output_size: int, norm_per_layer: bool = False) -> None:
        super().__init__()
        self.layers_needed = tuple(layers_needed)
        self.output_size = output_size
        self.norm_per_layer = norm_per_layer
        if norm_per_layer:
            self.linear = self.concatenates = self.passes_last_layer = False

    def states(self, hidden: Sequence[Tensor]) -> Iterator[Tensor]:
        """The layers one after the other, normalised if ``norm_per_layer``; an online mix keeps none of them."""
        for layer in hidden:
            yield normalise_state(layer) if self.norm_per_layer else layer

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers.

        Shape:
            hidden: one (B, T, H) for each of ``layers_needed``, in that order; returns (B, T, output_size).
        """
        raise TypeError(f"{type(self).__name__} does not define forward(hidden)")

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor | None:
        """How much each of ``layers_needed`` counts, for ``poolsweep explain``, or None where that has no meaning.

        Shape:
            hidden: as in ``forward``; returns (layers,), or (B, T, layers) where it depends on the token.
        """
        return None

    def auxiliary_loss(self) -> Tensor | None:
        """A penalty to add to the loss of the last forward pass, or None."""
        return None


class TokenPooling(nn.Module):
    """Turns the token vectors of a text into one vector.

    A subclass takes the derived size ``input_size`` beside its own options and sets ``output_size``.

    Args:
        input_size: Size of a token's vector, the layer mix's ``output_size``.
        output_size: D; None = ``input_size``.
        include_special: False leaves special tokens ([CLS], [SEP], ...) out, unless a row has nothing else. A subclass
            that offers it reads its mask through ``kept``.

    Attributes:
        output_size: D, the size of the pooled vector.
        formula: The arithmetic in one line, for ``poolsweep poolings``; ``{name}`` stands for the attribute.
        source: A short citation.
        linear_in_tokens: The result is a weighted sum of the tokens, with weights that do not depend on them.
        selects_token: The result is the vector of one token, chosen by position.
        reads_first_token: Nothing but [CLS], the first real token, is read, of the states or through the pooler.
        uses_cls: [CLS] is read for what it knows of the text; ``cls_mask`` says where it is.
        per_dimension: Each output dimension depends on the same dimension of the tokens alone.
        shipped: Whether null options and weights come from what lies beside the encoder in its folder.
        needs_last_layer: Only ``layers=last`` makes sense beside it; ``Pooling`` refuses any other.
        onnx_exportable: ``torch.onnx.export`` can write it; where not, the docstring says why.
        context_needed: Names of the ``PoolingContext`` fields that ``forward`` reads.
        template: An input template, in which ``{text}`` stands for the text, once or twice; None = the text alone.
    """

    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    linear_in_tokens: ClassVar[bool] = False
    selects_token: ClassVar[bool] = False
    reads_first_token: ClassVar[bool] = False
    uses_cls: ClassVar[bool] = False
    per_dimension: ClassVar[bool] = False
    needs_last_layer: ClassVar[bool] = False
    shipped: ClassVar[bool] = False
    onnx_exportable: ClassVar[bool] = True
    context_needed: frozenset[str] = frozenset()
    template: str | None = None

    def __init__(self, *, input_size: int, output_size: int | None = None, include_special: bool = True) -> None:
        super().__init__()
        self.input_size = input_size
        self.output_size = input_size if output_size is None else output_size
        self.include_special = include_special
        if not include_special:
            self.context_needed = self.context_needed | {"special"}

    def __call__(self, hidden: Tensor, mask: Tensor, context: PoolingContext | None = None) -> Tensor:
        """Pool the tokens, see ``forward``; also of a tokenizer's int64 mask, and without a context."""
        return super().__call__(hidden, as_bool(mask), context or PoolingContext())

    def kept(self, mask: Tensor, context: PoolingContext) -> Tensor:
        """The tokens that count: the real ones, without a prefix that is not pooled, or those that are not special.

        Shape:
            mask (B, T) bool; returns (B, T) bool, equal to ``mask`` in rows that would have none.
        Raises:
            ValueError: If special tokens are to be left out and the context does not say which they are.
        """
        if context.prefix is not None:
            mask = restrict(mask, ~context.prefix)
        if self.include_special:
            return mask
        if context.special is None:
            raise ValueError("pooling.tokens.include_special=false needs context.special, the special tokens' places")
        return restrict(mask, ~context.special)

    def cls_mask(self, mask: Tensor, context: PoolingContext) -> Tensor:
        """A mask whose first token is [CLS]: that of the real tokens, or of [CLS] alone where it is not the first.

        Shape:
            mask (B, T) bool; returns (B, T) bool.
        """
        return mask if context.cls is None else restrict(mask, context.cls)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Pool the tokens.

        Shape:
            hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, output_size).
        """
        raise TypeError(f"{type(self).__name__} does not define forward(hidden, mask, context)")

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """What each token contributes, for ``poolsweep explain``; padding gets 0.

        ``"weights"`` are factors of the tokens' vectors, ``"shares"`` the part of the result's dimensions that a token
        won (max). By default the weights of a pooling that is linear in the tokens, read off by pooling the identity
        matrix, and nothing for any other.

        Shape:
            as in ``forward``; each value (B, T), or (B, heads, T).
        """
        if not self.linear_in_tokens:
            return {}
        unit = torch.eye(mask.shape[1], dtype=hidden.dtype, device=hidden.device)
        return {"weights": self(unit.expand(mask.shape[0], -1, -1), mask, context)}

    def self_contained(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options that make it again where its encoder's folder is not at hand.

        Args:
            given: Options that it was made of.
        """
        return dict(given)

    def auxiliary_loss(self) -> Tensor | None:
        """A penalty to add to the loss of the last forward pass, or None.

        It exists in training mode only and is handed out once, so that no graph outlives its step.
        """
        return None

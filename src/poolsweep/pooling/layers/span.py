"""What layer mixes that read several neighbouring layers have in common."""

from __future__ import annotations

from poolsweep.pooling.base import LayerMix


class SpanMix(LayerMix):
    """A mix of the lowest or the highest so many layers, or of all of them.

    Args:
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        first: How many of the lowest layers, or None.
        last: How many of the highest layers, or None; all layers if both are None.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Attributes:
        span: The layers as a formula names them, such as ``-4 … -1``.
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    """

    def __init__(
        self,
        *,
        num_layers: int,
        hidden_size: int,
        first: int | None = None,
        last: int | None = None,
        norm_per_layer: bool = False,
    ) -> None:
        layers = span_layers(first=first, last=last, num_layers=num_layers)
        size = hidden_size * len(layers) if self.concatenates else hidden_size
        super().__init__(layers_needed=layers, output_size=size, norm_per_layer=norm_per_layer)
        self.first, self.last = first, last
        low, high = layers[0], layers[-1]
        self.span = f"{low - num_layers - 1} … -1" if high == num_layers else f"{low} … {high}"

    def add_embeddings(self) -> None:
        """Read the embeddings (layer 0), too, below the other layers."""
        low, high = self.layers_needed[0], self.layers_needed[-1]
        self.span = f"0 … {high}" if low == 1 else f"0, {self.span}"
        self.layers_needed = (0, *self.layers_needed)


def span_layers(*, first: int | None, last: int | None, num_layers: int) -> tuple[int, ...]:
    """Indices of the first or the last so many transformer layers, or of all of them, lowest first.

    Args:
        first: How many from the lowest on, or None.
        last: How many up to the highest, or None; all layers if both are None.
        num_layers: Transformer layers of the encoder.
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    Example:
        >>> span_layers(first=2, last=None, num_layers=12), span_layers(first=None, last=4, num_layers=12)
        ((1, 2), (9, 10, 11, 12))
    """
    if first is not None and last is not None:
        raise ValueError(
            f"pooling.layers takes either first or last (the other null), got first={first} and last={last}"
        )
    name, count = ("first", first) if first is not None else ("last", num_layers if last is None else last)
    if not 1 <= count <= num_layers:
        raise ValueError(f"pooling.layers.{name} must lie between 1 and the encoder's {num_layers} layers, got {count}")
    return tuple(range(1, count + 1) if name == "first" else range(num_layers - count + 1, num_layers + 1))

"""Which layers a mix of the last n reads."""

from __future__ import annotations


def last_layers(last: int, *, num_layers: int) -> tuple[int, ...]:
    """Indices of the last ``last`` transformer layers, lowest first; the embeddings (0) are never among them.

    Args:
        last: How many layers.
        num_layers: Transformer layers of the encoder.
    Raises:
        ValueError: If the encoder has fewer layers, or ``last`` is not positive.
    Example:
        >>> last_layers(4, num_layers=12)
        (9, 10, 11, 12)
    """
    if not 1 <= last <= num_layers:
        raise ValueError(f"pooling.layers.last must lie between 1 and the encoder's {num_layers} layers, got {last}")
    return tuple(range(num_layers - last + 1, num_layers + 1))

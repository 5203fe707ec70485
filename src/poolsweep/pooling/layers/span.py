"""Which layers a mix of several reads."""

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
    _check("last", last, num_layers=num_layers)
    return tuple(range(num_layers - last + 1, num_layers + 1))


def span_layers(
    *, first: int | None, last: int | None, num_layers: int, include_embeddings: bool = False
) -> tuple[int, ...]:
    """Indices of the first or the last so many transformer layers, or of all of them, lowest first.

    Args:
        first: How many from the lowest on, or None.
        last: How many up to the highest, or None; all layers if both are None.
        num_layers: Transformer layers of the encoder.
        include_embeddings: Put the embeddings (0) before the layers.
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    Example:
        >>> span_layers(first=2, last=None, num_layers=12)
        (1, 2)
        >>> span_layers(first=None, last=None, num_layers=3, include_embeddings=True)
        (0, 1, 2, 3)
    """
    if first is not None and last is not None:
        raise ValueError(
            f"pooling.layers takes either first or last (the other null), got first={first} and last={last}"
        )
    embeddings = (0,) if include_embeddings else ()
    if first is not None:
        _check("first", first, num_layers=num_layers)
        return (*embeddings, *range(1, first + 1))
    return (*embeddings, *last_layers(num_layers if last is None else last, num_layers=num_layers))


def span_name(layers: tuple[int, ...], *, num_layers: int) -> str:
    """How a formula names layers next to each other: from the top where they end there, else from the bottom.

    Example:
        >>> span_name((9, 10, 11, 12), num_layers=12), span_name((1, 2), num_layers=12)
        ('-4 … -1', '1 … 2')
    """
    low, high = layers[0], layers[-1]
    return f"{low - num_layers - 1} … -1" if high == num_layers and low > 0 else f"{low} … {high}"


def _check(name: str, count: int, *, num_layers: int) -> None:
    if not 1 <= count <= num_layers:
        raise ValueError(f"pooling.layers.{name} must lie between 1 and the encoder's {num_layers} layers, got {count}")

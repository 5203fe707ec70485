"""How what a race may get wrong is divided: over its looks, and between them and the report's verdict."""

from __future__ import annotations


def look_level(look: int, *, level: float) -> float:
    """The level of one look, so that all looks together keep ``level``, however many there will be.

    The first spends half of 1 − level, the second a sixth, the k-th 1 / (k (k + 1)) of it; the sum of all is the whole.
    The early looks get the most because a run that is not made early saves the most; and since it does not depend on
    the number of seeds planned, adding seeds later leaves the earlier looks as they were.

    Args:
        look: 1 for the first.
        level: Of all looks together.
    Example:
        >>> [round(1 - look_level(look, level=0.99), 5) for look in (1, 2, 3)]
        [0.005, 0.00167, 0.00083]
    """
    return 1 - (1 - level) / (look * (look + 1))


def verdict_level(level: float, *, spent: float, certainty: float) -> float:
    """The level at which the report's verdict is held in a race, so that race and verdict together keep ``level``.

    Args:
        level: Of both together.
        spent: What the looks at validation may lose.
        certainty: With which a verdict is settled; 1 where none was settled as not tied.

    Example:
        >>> round(verdict_level(0.95, spent=0.005, certainty=0.8), 4)
        0.964
    """
    return min(1 - (1 - level - spent) * certainty, 0.999)

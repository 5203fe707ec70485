"""The one rule about attention heads."""

from __future__ import annotations


def check_heads(num_heads: int, *, size: int) -> None:
    """Refuse a number of heads that does not divide the token's size.

    Raises:
        ValueError: If it does not.
    Example:
        >>> check_heads(5, size=384)
        Traceback (most recent call last):
        ValueError: pooling.tokens.num_heads must divide the size of a token's vector, got 5 and 384 (nearest: 4 or 6)
    """
    if num_heads >= 1 and size % num_heads == 0:
        return
    divisors = [n for n in range(1, size + 1) if size % n == 0]
    below, above = [n for n in divisors if n < num_heads], [n for n in divisors if n > num_heads]
    nearest = " or ".join(str(n) for n in (*below[-1:], *above[:1]))
    raise ValueError(
        f"pooling.tokens.num_heads must divide the size of a token's vector, got {num_heads} and {size} "
        f"(nearest: {nearest})"
    )

"""Sobol points, the same as scipy's, without its ``scipy.stats``, which takes a third of a second to import."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BITS = 16  # of each direction number that is kept, and so 2 to this power are the points


def sobol_points(num_points: int, dimensions: int) -> NDArray[np.float64]:
    """The first points of Sobol's sequence in Gray code order, not scrambled.

    Args:
        num_points: A power of two, up to 2**16.
        dimensions: Number of coordinates; beyond those that are kept here, scipy is asked.
    Shape:
        Returns (num_points, dimensions), from 0 to below 1.
    Reference:
        Joe, Kuo (2008), "Constructing Sobol sequences with better two-dimensional projections". Differs: none; the
        direction numbers are scipy's.
    Example:
        >>> sobol_points(4, 2).tolist()
        [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    """
    numbers = _direction_numbers()
    if dimensions > numbers.shape[1]:
        from scipy.stats.qmc import Sobol

        return Sobol(dimensions, scramble=False).random(num_points)
    points = np.zeros((1, dimensions), dtype=np.uint16)
    for number in numbers[: num_points.bit_length() - 1, :dimensions]:
        points = np.concatenate([points, points[::-1] ^ number])  # the Gray code of a further bit is mirrored
    return points / 2.0**_BITS


@cache
def _direction_numbers() -> NDArray[np.uint16]:
    """Direction numbers by bit and dimension: point 2^k of scipy's, combined with the one before it by XOR."""
    return np.load(Path(__file__).with_name("sobol.npy"))

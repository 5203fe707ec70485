"""How the two texts of a pair become one vector: read as one input, or each alone."""

from poolsweep.pairs.base import Pairs
from poolsweep.pairs.joint import Joint
from poolsweep.pairs.siamese import Siamese

__all__ = ["Joint", "Pairs", "Siamese"]

"""A pooling is two choices: how layers are combined, and how the tokens of the result become one vector."""

from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling
from poolsweep.pooling.pooling import Pooling

__all__ = ["LayerMix", "Pooling", "PoolingContext", "TokenPooling"]

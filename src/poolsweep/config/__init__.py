"""The root of a config: its keys, how it is resolved, and what must hold in it."""

from poolsweep.config.keys import LOADING_KEYS
from poolsweep.config.resolution import resolve
from poolsweep.config.validation import missing_keys, validate

__all__ = ["LOADING_KEYS", "missing_keys", "resolve", "validate"]

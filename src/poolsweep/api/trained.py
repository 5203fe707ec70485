"""``poolsweep.load``: a trained model in Python."""

from __future__ import annotations

"""Runs a folder with a Python file and weights as its users do."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def load(folder: str, *, vectors: bool) -> Callable[[list[str], list[str] | None], Any]:
    """The model as a function of texts."""
    sys.path.insert(0, folder)
    model = importlib.import_module("model").load()
    return model.encode if vectors else getattr(model, "scores", None) or model.probabilities

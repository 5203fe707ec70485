"""All random states of a process, as plain values that ``torch.load(weights_only=True)`` reads."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_states() -> dict[str, Any]:
    """The states of Python's, numpy's, torch's and this process's GPU's generator."""
    _, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": {
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "gauss": float(gauss),
        },
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if torch.cuda.is_available() else [],
        "mps": [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else [],
    }


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Put back what ``random_states`` gave; a GPU that is not here is left out."""
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    saved = states["numpy"]
    keys = saved["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, saved["position"], saved["has_gauss"], saved["gauss"]))
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available():
        for state in states["cuda"][:1]:
            torch.cuda.set_rng_state(state)
    if torch.backends.mps.is_available():
        for state in states["mps"][:1]:
            torch.mps.set_rng_state(state)

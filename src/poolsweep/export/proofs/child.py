"""The process of a proof: it cannot import poolsweep, loads an exported model and runs it on the rows.

``python -P child.py SCRIPT FOLDER WORK`` takes ``load`` from the script, reads ``WORK/texts.json`` and writes
``WORK/found.npy``. A script is read by its path, since nothing of poolsweep can be imported here.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_BLOCKED = ("poolsweep", "hydra_plugins")
_TEXTS_AT_ONCE = 32


class Blocker:
    """A finder, asked before all others, that finds no module of poolsweep."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse the names of poolsweep; leave all others to Python."""
        if name.partition(".")[0] in _BLOCKED:
            raise ModuleNotFoundError(f"{name} is not to be had in the proof of an export", name=name)


def block_poolsweep() -> None:
    """Let ``import poolsweep`` fail from now on, however it is installed."""
    loaded = [name for name in sys.modules if name.partition(".")[0] in _BLOCKED]
    if loaded:
        raise SystemExit(f"{loaded[0]} was imported before the proof began")
    blocker: Any = Blocker()
    sys.meta_path.insert(0, blocker)


def run_script(script: Path, folder: Path, work: Path) -> None:
    """Run the exported model on rows sorted by length, and write what it gives in the order of the rows."""
    spec = importlib.util.spec_from_file_location("proof_of_export", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = json.loads((work / "texts.json").read_text(encoding="utf-8"))
    texts, pairs = given["texts"], given["pairs"]
    run: Callable[[list[str], list[str] | None], Any] = module.load(str(folder), vectors=given["vectors"])
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]) + (len(pairs[i]) if pairs else 0))
    found: list[Any] = [None] * len(texts)
    for start in range(0, len(order), _TEXTS_AT_ONCE):
        chosen = order[start : start + _TEXTS_AT_ONCE]
        values = np.asarray(run([texts[i] for i in chosen], [pairs[i] for i in chosen] if pairs else None))
        for i, value in zip(chosen, values, strict=True):
            found[i] = value
    values = np.asarray(found, dtype=np.float32)
    np.save(work / "found.npy", values if given["readout"] is None else read_out(values, **given["readout"]))


def read_out(logits: np.ndarray, *, activation: str, low: float, span: float) -> np.ndarray:
    """What is predicted of logits, as a user of the library works it out.

    Args:
        logits: What the exported model gives.
        activation: softmax, sigmoid or none.
        low: What the activation's 0 stands for.
        span: What lies between its 0 and its 1.
    """
    if activation == "softmax":
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)
    return low + span / (1 + np.exp(-logits)) if activation == "sigmoid" else logits


if __name__ == "__main__":
    block_poolsweep()
    run_script(*map(Path, sys.argv[1:4]))

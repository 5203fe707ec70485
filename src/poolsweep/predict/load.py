"""Finds the model that a user names and loads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poolsweep.predict.model import Model
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run


def load_model(given: str | Path, *, trusted: Sequence[str] = (), trust_remote_code: bool = False) -> Model:
    """Load a model.

    Args:
        given: A run folder.
        trusted: Packages of your own whose classes the run names.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it is none, or is refused.
    """
    run = load_run(Path(given), trusted=trusted, trust_remote_code=trust_remote_code)
    return RunModel(run, name=str(given))

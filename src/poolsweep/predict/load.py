"""Finds the model that a user names and loads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from poolsweep.predict.choose import Choice, choose
from poolsweep.predict.engine import Place
from poolsweep.predict.ensemble import Ensemble
from poolsweep.predict.export_record import is_export
from poolsweep.predict.exported import load_export
from poolsweep.predict.model import Model
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run


def load_model(
    given: str | Path,
    *,
    device: str = "auto",
    precision: str = "32",
    single: bool = False,
    say: Callable[[str], None] = lambda line: None,
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> Model:
    """Load a model.

    Args:
        given: A run folder, ``STUDY``, ``STUDY:POOLING``, or an export.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` = a GPU where there is one.
        precision: ``32``, ``bf16`` or ``16``.
        single: Whether several runs together are refused.
        say: Gets a sentence on which runs are used, where that was not typed.
        trusted: Packages of your own whose classes the run names.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it is none, or is refused.
    """
    if is_export(Path(given)):
        return load_export(Path(given), place=Place.of(device, precision), trusted=trusted)
    choice = choose(given)
    if single:
        choice.single()
    if choice.line is not None:
        say(choice.line)
    return load_chosen(choice, device=device, precision=precision, trusted=trusted, trust_remote_code=trust_remote_code)


def load_chosen(
    choice: Choice,
    *,
    device: str = "auto",
    precision: str = "32",
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> Model:
    """Load the runs that a choice consists of, one by itself and several as an ensemble; as ``load_model`` else."""
    place = Place.of(device, precision)
    members = [
        RunModel(load_run(path, trusted=trusted, trust_remote_code=trust_remote_code), name=str(path), place=place)
        for path in choice.runs
    ]
    return members[0] if len(members) == 1 else Ensemble(members, name=choice.name)

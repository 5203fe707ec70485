"""Loads models for Python code: what a user names, the replicates of a contender, or its refit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poolsweep.api.trained import TrainedModel


def load(
    given: str | Path,
    *,
    device: str = "auto",
    precision: str = "32",
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> TrainedModel:
    """Load a model, as ``poolsweep predict`` does.

    Args:
        given: A run folder, the folder of an export, ``STUDY`` or ``STUDY:POOLING``. A study means the contender
            that is best on validation: its newest refit, or else all of its replicates together.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` = a GPU where there is one.
        precision: ``32``, ``bf16`` or ``16``.
        trusted: Packages of your own whose classes the run names.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it is none, or is refused.
    """
    from poolsweep.predict.choose import choose
    from poolsweep.predict.export_record import is_export
    from poolsweep.predict.load import load_chosen, load_model

    trust: dict[str, Any] = {"trusted": trusted, "trust_remote_code": trust_remote_code}
    if is_export(Path(given)):
        return TrainedModel(load_model(given, device=device, precision=precision, **trust), None, **trust)
    choice = choose(given)
    return TrainedModel(load_chosen(choice, device=device, precision=precision, **trust), choice, **trust)


def load_replicates(named: str) -> TrainedModel:
    """All replicates of a contender together, also where it has a refit.

    Args:
        named: ``STUDY`` or ``STUDY:POOLING``.
    Raises:
        UserError: If there is no such contender.
    """
    from poolsweep.predict.choose import Choice, choose_contender
    from poolsweep.predict.load import load_chosen

    chosen = choose_contender(named)
    runs = tuple(run.path for run in chosen.contender.replicates)
    choice = Choice("replicates", runs, chosen.name)
    return TrainedModel(load_chosen(choice), choice)


def refitted(named: str, *, with_validation: bool, progress: bool) -> TrainedModel:
    """Fit the chosen setting of a contender on all training rows, as ``poolsweep refit`` does, and load it.

    Args:
        named: ``STUDY`` or ``STUDY:POOLING``.
        with_validation: Train on the validation rows, too.
        progress: Whether to show how far it is.
    Raises:
        UserError: If there is no such contender, or its rows have changed since.
    """
    from poolsweep.api.contained import contained
    from poolsweep.cli.single_run import run_once
    from poolsweep.predict.choose import choose_contender
    from poolsweep.refit import refit_config, require_same_content

    with contained(progress=progress):
        chosen = choose_contender(named)
        config = refit_config(chosen, with_validation=with_validation)
        result = run_once(
            config,
            name=f"refit of {chosen.name}",
            require=lambda prepared: require_same_content(chosen, config, prepared),
        )
    return load(config.study_folder / result["run_id"])

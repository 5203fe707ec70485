"""Asks Optuna's pruner after each validation whether the trial is still worth its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from poolsweep.config import Node
from poolsweep.runs.optuna_journal import journal_of, open_journal
from poolsweep.runs.pruned import PrunedError


class Pruning(pl.Callback):
    """Reports the monitored metric of each validation to Optuna, and asks whether to go on.

    Args:
        study: The study's folder, which holds Optuna's journal.
        trial: The config's ``trial``: name of the search, number, id, pruner and its numbers.
        monitor: Name of the metric.
    """

    def __init__(self, study: Path, *, trial: Node, monitor: str) -> None:
        self._study, self._trial, self._monitor = study, trial, monitor
        self._validations = 0

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"validations": self._validations}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint."""
        self._validations = state_dict["validations"]

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report and ask; one process of the run asks for all."""
        if trainer.state.fn != "fit":
            return
        self._validations += 1
        value = float(trainer.callback_metrics[self._monitor])
        pruned = trainer.is_global_zero and self._asked(value)
        if trainer.world_size > 1:
            pruned = trainer.strategy.reduce_boolean_decision(pruned, all=False)
        if pruned:
            raise PrunedError(self._monitor, value=value, validations=self._validations)

    def _asked(self, value: float) -> bool:
        pruner = _pruner(self._trial["pruner"], startup=self._trial["startup"], warmup=self._trial["warmup"])
        study = optuna.load_study(
            study_name=self._trial["name"], storage=open_journal(journal_of(self._study)), pruner=pruner
        )
        trial = optuna.trial.Trial(study, self._trial["id"])
        step = self._validations - 1
        known = next(t for t in study.get_trials(deepcopy=False) if t.number == self._trial["number"])
        if step not in known.intermediate_values:  # a run that was killed says some of it again
            trial.report(value, step)
        return trial.should_prune()


def _pruner(name: str, *, startup: int, warmup: int) -> BasePruner:
    """Optuna's pruner of a name; steps are validations, the first is 0."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if name == "median":
        return MedianPruner(n_startup_trials=startup, n_warmup_steps=warmup)
    if name == "halving":
        return SuccessiveHalvingPruner()
    return HyperbandPruner() if name == "hyperband" else NopPruner()

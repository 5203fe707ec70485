"""Callbacks that cannot do in a run what they are for, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from poolsweep.config.probe import is_probe

_AVERAGED = (
    "validation would measure averaged weights, and the run test and save the others; callbacks.average=ema tests and "
    "saves the average"
)
_CHECKPOINTS = "a run keeps its best weights itself, and checkpoint.every_steps and .every_minutes say when it saves"
_PROGRESS = "poolsweep shows how runs go itself, for all runs of a sweep"

_EARLY_STOPPING = "poolsweep.callbacks.early_stopping.EarlyStopping"
_AVERAGES = "poolsweep.callbacks.average."


def average_problems(config: Mapping[str, Any]) -> list[str]:
    """Why a run cannot average its weights as its callbacks ask.

    Args:
        config: Resolved, of the right shape.
    """
    named = [n for n, node in (config["callbacks"] or {}).items() if str(node["_target_"]).startswith(_AVERAGES)]
    problems = []
    if len(named) > 1:
        problems.append(f"a run has one average of its weights, got {' and '.join(f'callbacks.{n}' for n in named)}")
    if named and is_probe(config):
        problems.append(
            f"trainer=probe solves its head, and has no steps to average over; leave out callbacks.{named[0]}"
        )
    elif named and config["trainer"].get("strategy") == "fsdp":
        problems.append(
            f"callbacks.{named[0]} averages weights that are whole on every device, and trainer.strategy=fsdp divides "
            "them; use ddp"
        )
    return problems


def is_usual(node: Mapping[str, Any], *, monitor: str) -> bool:
    """Whether a callback is the one of conf/callbacks/default.yaml as it stands: a probe, which reads none, has it too.

    Args:
        node: With a ``_target_``.
        monitor: The config's.
    """
    return node == {"_target_": _EARLY_STOPPING, "monitor": monitor, "patience": 5, "min_delta": 0.0}


def refusal_of(kind: type) -> str | None:
    """Why a run cannot have a callback of a class; None if it can.

    Args:
        kind: A class, perhaps one of the user's own that derives from Lightning's.
    """
    from pytorch_lightning.callbacks import EarlyStopping  # here it is imported: a callback derives from its base

    if kind is EarlyStopping:
        return f"its mode may contradict the metric; {_EARLY_STOPPING} knows the direction"
    return next((reason for refused, reason in _refused().items() if issubclass(kind, refused)), None)


@cache
def _refused() -> dict[type, str]:
    import pytorch_lightning.callbacks as lightning  # takes seconds, and a probe has no callbacks

    return {
        lightning.WeightAveraging: _AVERAGED,  # EMAWeightAveraging is one
        lightning.StochasticWeightAveraging: (
            "its average is made after the last validation, and would be thrown away; callbacks.average=swa keeps it"
        ),
        lightning.ModelPruning: "it renames the weights that the run selects and saves",
        lightning.LearningRateFinder: "it changes learning rates that the config says; sweep optimizer.lr instead",
        lightning.BatchSizeFinder: "it changes batches that the config says; trainer.on_oom=halve makes them fit",
        lightning.GradientAccumulationScheduler: "the schedule needs equal steps; use trainer.accumulate_grad_batches",
        lightning.BackboneFinetuning: "it needs a module called backbone; encoder.frozen trains the head alone",
        lightning.BasePredictionWriter: (
            "a run writes the predictions of validation and test itself, and makes no others"
        ),
        lightning.Timer: "a run that ends by the clock gives other numbers each time; use run_timeout_minutes",
        lightning.Checkpoint: _CHECKPOINTS,
        lightning.ProgressBar: _PROGRESS,
    }

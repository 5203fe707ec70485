"""Callbacks that cannot do in a run what they are for, each with the reason."""

from __future__ import annotations

import pytorch_lightning.callbacks as lightning

_AVERAGED = "validation would measure averaged weights, and the run test and save the others"
_CHECKPOINTS = "a run keeps its best weights itself, and checkpoint.every_steps and .every_minutes say when it saves"
_PROGRESS = "poolsweep shows how runs go itself, for all runs of a sweep"

_REFUSED: dict[type[lightning.Callback], str] = {
    lightning.WeightAveraging: _AVERAGED,  # EMAWeightAveraging is one
    lightning.StochasticWeightAveraging: "its average is made after the last validation, and would be thrown away",
    lightning.ModelPruning: "it renames the weights that the run selects and saves",
    lightning.LearningRateFinder: "it changes learning rates that the config says; sweep optimizer.lr instead",
    lightning.BatchSizeFinder: "it changes batches that the config says; trainer.on_oom=halve makes them fit",
    lightning.GradientAccumulationScheduler: "the schedule needs equal steps; use trainer.accumulate_grad_batches",
    lightning.BackboneFinetuning: "it needs a module called backbone; encoder.frozen trains the head alone",
    lightning.BasePredictionWriter: "a run writes the predictions of validation and test itself, and makes no others",
    lightning.Timer: "a run that ends by the clock gives other numbers each time; use run_timeout_minutes",
    lightning.Checkpoint: _CHECKPOINTS,
    lightning.ProgressBar: _PROGRESS,
}


def refusal_of(kind: type) -> str | None:
    """Why a run cannot have a callback of a class; None if it can.

    Args:
        kind: A class, perhaps one of the user's own that derives from Lightning's.
    """
    if kind is lightning.EarlyStopping:
        return (
            "its mode may contradict the metric; poolsweep.callbacks.early_stopping.EarlyStopping knows the direction"
        )
    return next((reason for refused, reason in _REFUSED.items() if issubclass(kind, refused)), None)

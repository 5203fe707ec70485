"""Ends a run that no longer improves."""

from __future__ import annotations

from typing import Annotated

import pytorch_lightning as pl
from pydantic import StringConstraints
from pytorch_lightning import callbacks

from poolsweep.bounds import Described, NonNegativeFloat, NonNegativeInt
from poolsweep.callbacks.average.base import selects
from poolsweep.metric_names import direction

_Monitored = Annotated[
    str, StringConstraints(pattern=r"^val/\w+$"), Described("a validation metric, such as val/loss")
]  # one that is measured, as the whole config says


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's early stopping, whose direction follows from the metric.

    Args:
        monitor: A metric of the validation split.
        patience: Validations without an improvement before the run ends.
        min_delta: What counts as an improvement.
    """

    def __init__(self, *, monitor: _Monitored, patience: NonNegativeInt = 3, min_delta: NonNegativeFloat = 0.0) -> None:
        super().__init__(
            monitor,
            mode=direction(monitor),
            patience=patience,
            min_delta=min_delta,
            check_on_train_epoch_end=False,  # an epoch that max_steps ends may have no validation
        )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare with the best so far, from the first validation on that selects."""
        if selects(trainer):
            super().on_validation_end(trainer, pl_module)

"""Ends a run that no longer improves."""

from __future__ import annotations

from pytorch_lightning import callbacks

from poolsweep.bounds import NonNegativeFloat, NonNegativeInt
from poolsweep.tasks.metric_names import Monitored, direction


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's early stopping, whose direction follows from the metric.

    Args:
        monitor: A metric of the validation split.
        patience: Validations without an improvement before the run ends.
        min_delta: What counts as an improvement.
    """

    def __init__(self, *, monitor: Monitored, patience: NonNegativeInt = 3, min_delta: NonNegativeFloat = 0.0) -> None:
        super().__init__(
            monitor,
            mode=direction(monitor),
            patience=patience,
            min_delta=min_delta,
            check_on_train_epoch_end=False,  # an epoch that max_steps ends may have no validation
        )

"""One run with ``trainer=untrained``: nothing is learnt, validation and test are measured in one pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from poolsweep.device import accelerator_type
from poolsweep.loggers.metrics_logger import MetricsLogger
from poolsweep.model.outcome import Outcome
from poolsweep.probe.evaluation import FrozenRun
from poolsweep.probe.vectors import Vectors
from poolsweep.runs.environment import peak_memory_mib, reset_peak_memory
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile


class Untrained:
    """Measures vectors as they are: no head, no seed; only post-processing may be fitted, on the training split.

    Args:
        monitor: The validation metric that chooses between settings.
        accelerator: Device of the encoder's pass.
        devices: One.
        precision: Precision of the encoder's pass; vectors are float32.
        loggers: Get the metrics.
    """

    bootstrap = False

    def __init__(
        self,
        *,
        monitor: str = "val/spearman",
        accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto",
        devices: Literal[1] = 1,
        precision: str | int = 32,
        loggers: Sequence[MetricsLogger] = (),
    ) -> None:
        self.monitor = monitor
        self.accelerator = accelerator
        self.loggers = list(loggers)


@dataclass(frozen=True, kw_only=True)
class UntrainedOutcome(Outcome):
    """What was found.

    Attributes:
        seeds_are: None: all seeds are one run.
    """

    seeds_are: str | None = None


@dataclass(frozen=True)
class UntrainedRun(FrozenRun):
    """A run that learns nothing; its head compares vectors as they are."""

    def fit(self, folder: RunFolder, status: StatusFile) -> UntrainedOutcome:
        """Fit the post-processing if there is any to fit, and write metrics, predictions and its weights.

        Args:
            folder: Folder that the run writes to.
            status: Status file, which is told how it goes.
        """
        reset_peak_memory()
        started = time.perf_counter()
        classifier = self.classifier.eval()
        classifier.to(torch.device(accelerator_type(self.trainer.accelerator)))
        if classifier.postprocess.needs_fit:
            classifier.postprocess.fit(Vectors(self.data["train"], classifier).pooled())
        seconds = max(time.perf_counter() - started, 1e-3)
        return UntrainedOutcome(
            metrics=self.finish(folder, status, step=1),
            best_epoch=0,
            epochs=0,
            steps=0,
            train_seconds=round(seconds, 3),
            examples_per_second=0.0,
            peak_memory_mib=peak_memory_mib(),
            parameters={"trained": 0, "pooled_size": classifier.pooling.output_size},
        )

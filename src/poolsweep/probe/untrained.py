"""One run with ``trainer=untrained``: nothing is learnt, validation and test are measured in one pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pytorch_lightning.loggers import Logger

from poolsweep.device import accelerator_type
from poolsweep.model.classifier import Classifier
from poolsweep.model.outcome import Outcome
from poolsweep.probe.evaluation import Evaluated, evaluate, save
from poolsweep.probe.vectors import Vectors
from poolsweep.runs.environment import peak_memory_mib, reset_peak_memory
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.tasks import Contract, Task


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
        loggers: Sequence[Logger] = (),
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
class UntrainedRun:
    """All objects of a run that learns nothing.

    Attributes:
        classifier: Pooling, post-processing and the head that compares; its encoder's features are stored.
        data: Split name → stored features.
        trainer: Says on which device.
        task: Says what is measured and stored.
        contract: The target contract.
        truncated_share: Split name → share of texts cut to the maximum length.
        check_lock: Called before anything is written; raises if another process has the run now.
    """

    classifier: Classifier
    data: Mapping[str, Any]
    trainer: Untrained
    task: Task
    contract: Contract
    truncated_share: Mapping[str, float]
    check_lock: Callable[[], None] = lambda: None
    seconds_before = 0.0
    writes_checkpoints = False

    @property
    def loggers(self) -> Sequence[Logger]:
        """Where its metrics go."""
        return self.trainer.loggers

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
        status.update(phase="testing")
        self.check_lock()
        metrics = evaluate(Evaluated(classifier, self.data, self.task, self.contract), folder=folder)
        for logger in self.loggers:
            logger.log_metrics(dict(metrics), step=1)
        self.check_lock()
        save(classifier, folder)
        return UntrainedOutcome(
            metrics=metrics,
            best_epoch=0,
            epochs=0,
            steps=0,
            train_seconds=round(seconds, 3),
            examples_per_second=0.0,
            peak_memory_mib=peak_memory_mib(),
            parameters={"trained": 0, "pooled_size": classifier.pooling.output_size},
        )

    def remove_checkpoints(self) -> None:
        """Nothing: it saves none."""

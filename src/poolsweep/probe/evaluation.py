"""Measures a head on stored vectors, and writes what a run without Lightning leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from poolsweep.files.writing import write_whole
from poolsweep.loggers.metrics_logger import MetricsLogger
from poolsweep.model.classifier import Classifier
from poolsweep.model.predictions import Predictions, write_contract
from poolsweep.probe.vectors import Vectors
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.tasks import Contract, Task

if TYPE_CHECKING:
    from poolsweep.probe.probe import Probe
    from poolsweep.probe.untrained import Untrained


@dataclass(frozen=True)
class Evaluated:
    """What is measured.

    Attributes:
        classifier: Pooling, post-processing and head; its encoder's features are stored.
        data: Split name → stored features.
        task: Says what is measured and stored.
        contract: The target contract.
    """

    classifier: Classifier
    data: Mapping[str, Any]
    task: Task
    contract: Contract

    def metrics(self, logits: Tensor, targets: Tensor, *, prefix: str) -> dict[str, float]:
        """The metrics of a split, and its loss where the task has one.

        Args:
            logits: What the head gave, (N, C).
            targets: Target of each row, (N, …).
            prefix: ``val/`` or ``test/``.
        """
        classifier = self.classifier
        measures = classifier.val_metrics if prefix == "val/" else classifier.test_metrics
        measures.reset()
        measures.update(logits, targets)
        found = {f"{prefix}loss": classifier.mean_loss(logits, targets)} if self.task.trains else {}
        found |= measures.compute()
        if (own := classifier.own_metrics) is not None:
            own.update(logits, targets)
            found |= own.compute(measures.settled, prefix=prefix)
        return {name: float(value) for name, value in found.items()}


@dataclass(frozen=True)
class FrozenRun(Evaluated):
    """A run on stored features that Lightning does not train: all that those which solve and which learn nothing share.

    Attributes:
        trainer: Says on which device, and where metrics go.
        text_facts: What the result says of texts, see ``text_facts``.
        check_lock: Called before anything is written; raises if another process has the run now.
    """

    trainer: Probe | Untrained
    text_facts: Mapping[str, Mapping[str, float]]
    check_lock: Callable[[], None]
    seconds_before = 0.0
    writes_checkpoints = False

    @property
    def loggers(self) -> Sequence[MetricsLogger]:
        """Where its metrics go."""
        return self.trainer.loggers

    def remove_checkpoints(self) -> None:
        """Nothing: it saves none."""

    def log(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Tell every logger."""
        for logger in self.loggers:
            logger.log_metrics(dict(metrics), step=step)

    def finish(
        self, folder: RunFolder, status: StatusFile, *, step: int, beside: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Test once, and write every prediction, the metrics and the weights; gives the metrics.

        Args:
            folder: Folder of the run.
            status: Status file, which is told.
            step: Step of the last line of the log.
            beside: What that line has beside the metrics.
        """
        status.update(phase="testing")
        self.check_lock()
        metrics = evaluate(self, folder=folder)
        self.log({**(beside or {}), **metrics}, step=step)
        self.check_lock()
        save(self.classifier, folder)
        return metrics


def evaluate(evaluated: Evaluated, *, folder: RunFolder) -> dict[str, float]:
    """Measure the head on the rows that are not trained on, and write every prediction.

    Args:
        evaluated: What is measured.
        folder: Folder of the run.
    """
    metrics: dict[str, float] = {}
    classifier, contract, found = evaluated.classifier, evaluated.contract, dict[str, Predictions]()
    for split, prefix in (("validation", "val/"), ("test", "test/")):
        if split not in evaluated.data:
            continue
        vectors = Vectors(evaluated.data[split], classifier)
        with torch.no_grad():
            logits = torch.cat([classifier.head(block) for block in vectors.blocks()])
        metrics |= evaluated.metrics(logits, vectors.targets, prefix=prefix)
        found[split] = Predictions(evaluated.task, evaluated.contract)
        found[split].add(vectors.identified(), logits)
        if split == "validation":  # it decides what test is measured with
            contract = classifier.test_metrics.contract = found[split].settled()
    write_contract(folder, contract)
    for split, predictions in found.items():
        predictions.contract = contract
        predictions.write(folder.predictions(split), texts=getattr(evaluated.data[split], "tokenised", None))
    return dict(sorted(metrics.items()))


def save(classifier: Classifier, folder: RunFolder) -> None:
    """Write the weights of pooling, post-processing and head."""
    state = {k: v.detach().cpu().contiguous() for k, v in classifier.state_dict().items() if v.numel()}
    with write_whole(folder.best) as temporary:
        save_file(state, temporary)

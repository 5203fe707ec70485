"""A run whose head, and perhaps encoder, is trained by Lightning: train, select on validation, test once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.checkpoint import Checkpoint
from poolsweep.config import RunConfig
from poolsweep.data.datamodule import DataModule
from poolsweep.distributed.group import all_gather, broadcast
from poolsweep.features import VectorRows
from poolsweep.model.lightning import LightningClassifier
from poolsweep.model.outcome import Outcome
from poolsweep.model.predictions import Predictions, write_contract
from poolsweep.runs.environment import peak_memory_mib, reset_peak_memory
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.tasks import Contract
from poolsweep.training.failure import kind_of
from poolsweep.training.oom import batch_too_large
from poolsweep.training.solved_head import SolvedHead

_BETWEEN_PROCESSES = 1_000_003  # between their seeds, so that no two runs of a study share one


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome(Outcome):
    """What a trained run found.

    Attributes:
        resumed_at: Optimizer steps that were taken by an earlier process; None if none were.
        batch: Rows of an optimizer step, and how they were divided.
        best_step: The optimizer step after which the selected weights were saved.
        scheduled_steps: Steps that the schedule of the learning rates was made for.
    """

    resumed_at: int | None
    batch: dict[str, int]
    best_step: int
    scheduled_steps: int


@dataclass(frozen=True)
class TrainingRun:
    """All objects of a run that is trained.

    Attributes:
        config: The run's.
        classifier: Encoder (unless its states are stored), pooling, head, loss.
        data: Batches.
        trainer: With callbacks and loggers.
        contract: The target contract.
        best: Selects and keeps the best weights.
        checkpoint: Saves what an interrupted run goes on from.
        text_facts: What the result says of texts, see ``text_facts``.
        micro_batches: Steps that each batch is divided into.
        initial_head: Gives the head that training starts from; None = its weights are drawn.
    """

    config: RunConfig
    classifier: LightningClassifier
    data: DataModule
    trainer: pl.Trainer
    contract: Contract
    best: BestWeights
    checkpoint: Checkpoint
    text_facts: Mapping[str, Mapping[str, float]]
    micro_batches: int
    initial_head: Callable[[], SolvedHead] | None = None

    @property
    def loggers(self) -> Sequence[Logger]:
        """Where its metrics go."""
        return self.trainer.loggers

    @property
    def seconds_before(self) -> float:
        """What earlier processes took for the part that this one goes on from."""
        return self.checkpoint.seconds_before

    @property
    def writes_checkpoints(self) -> bool:
        """Whether it saves anything before it ends, unless it is asked to leave."""
        return self.config.checkpoint.every_steps is not None or self.config.checkpoint.every_minutes is not None

    def fit(self, folder: RunFolder, status: StatusFile) -> TrainingOutcome:
        """Train, restore the best weights, and write metrics and predictions of validation and test.

        It goes on from the newest whole checkpoint, if there is one: the same bits as if it had never stopped.

        Args:
            folder: Folder of the run.
            status: A callback tells it how the run goes.
        Raises:
            BatchTooLargeError: If memory runs out, with what fits.
        """
        reset_peak_memory()
        leads, trainer = self.trainer.is_global_zero, self.trainer
        begun = broadcast(self.checkpoint.find(self.classifier) if leads else None)  # damaged ones are removed once
        if begun is None and leads:
            self.best.clear()
        if begun is None and self.initial_head is not None:
            head = broadcast(self.initial_head() if leads else None)
            assert head is not None, "the first process has solved it"
            head.install(self.classifier)
        torch.manual_seed(self.config.seed + _BETWEEN_PROCESSES * trainer.global_rank)  # each drops out other numbers
        started = time.perf_counter()
        try:
            with _threads_for(self.data):
                trainer.fit(self.classifier, datamodule=self.data, ckpt_path=begun, weights_only=True)
            seconds = time.perf_counter() - started + self.seconds_before
            epochs, steps = trainer.current_epoch, trainer.global_step
            if self.best.value is None:  # no validation took place
                self.best.keep_last(trainer, self.classifier)
            self.best.restore(self.classifier)
            if leads:
                self.best.publish()
            metrics = self.evaluate(folder)
        except Exception as error:
            if kind_of(error) != "out_of_memory":
                raise
            raise batch_too_large(self, error) from error
        trained = sum(p.numel() for p in self.classifier.parameters() if p.requires_grad)
        return TrainingOutcome(
            metrics=metrics,
            best_epoch=self.best.epoch,
            epochs=epochs,
            steps=steps,
            resumed_at=self.checkpoint.resumed_at,
            train_seconds=round(seconds, 3),
            examples_per_second=round(self.classifier.examples_seen / seconds, 1),
            peak_memory_mib=_most_of_any(peak_memory_mib()),
            parameters={"trained": trained, "pooled_size": self.classifier.pooling.output_size},
            batch=self.config.batch_plan.recorded(self.micro_batches),
            best_step=self.best.step,
            scheduled_steps=self.classifier.scheduled_steps,
        )

    def evaluate(self, folder: RunFolder) -> dict[str, float]:
        """Measure the present weights on the rows that are not trained on, and write every prediction."""
        evaluations = {"validation": self.trainer.validate, "test": self.trainer.test}
        evaluations = {split: evaluation for split, evaluation in evaluations.items() if split in self.data.rows}
        predictions = {split: Predictions(self.config.task, self.contract) for split in evaluations}
        self.classifier.predictions = predictions
        metrics: dict[str, float] = {}
        contract = self.contract
        for split, evaluation in evaluations.items():
            metrics |= dict(evaluation(self.classifier, datamodule=self.data, verbose=False)[0])
            predictions[split].gather()
            if split == "validation":  # it decides what test is measured with
                contract = predictions[split].settled()
                self.classifier.test_metrics.contract = contract
        self.classifier.predictions = None
        if self.trainer.is_global_zero:
            self.best.check_lock()
            write_contract(folder, contract)
            for split, collected in predictions.items():
                collected.contract = contract
                collected.write(folder.predictions(split), texts=getattr(self.data.rows[split], "tokenised", None))
        return dict(sorted(metrics.items()))

    def remove_checkpoints(self) -> None:
        """Remove what only an interrupted run needs, once its result is written."""
        self.checkpoint.store.clear()
        self.best.clear()


def _most_of_any(mine: dict[str, float]) -> dict[str, float]:
    everyone = all_gather(mine)
    return {name: max(one[name] for one in everyone) for name in mine}


@contextmanager
def _threads_for(data: DataModule) -> Iterator[None]:
    """One thread for heads on stored vectors: their steps are so small that two threads wait for each other.

    On an idle machine it makes no difference; where other processes want the cores, waiting costs ten times the work.
    """
    before = torch.get_num_threads()
    rows = data.rows["train"]
    if isinstance(rows, VectorRows):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

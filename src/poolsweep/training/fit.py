"""One run: train, select on validation, test once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from poolsweep.distributed.group import of_all_processes, of_the_leader
from poolsweep.features import FeatureRows
from poolsweep.model.predictions import Predictions
from poolsweep.runs.environment import peak_memory_mib, reset_peak_memory
from poolsweep.runs.folder import RunFolder
from poolsweep.training.build import Run

_BETWEEN_PROCESSES = 1_000_003  # between their seeds, so that no two runs of a study share one


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        metrics: Name → value, of the selected checkpoint: ``val/…`` and ``test/…``.
        best_epoch: The epoch after which it was saved, 1 = first.
        epochs: Epochs trained.
        steps: Optimizer steps taken.
        resumed_at: Optimizer steps that were taken by an earlier process; None if none were.
        train_seconds: Time of training with its validations, that of earlier processes included.
        examples_per_second: Training examples by that time.
        peak_memory_mib: ``process`` and, with a GPU, ``gpu``; of the process of the run that needed most.
        parameters: ``trained`` and ``pooled_size``.
    """

    metrics: dict[str, float]
    best_epoch: int
    epochs: int
    steps: int
    resumed_at: int | None
    train_seconds: float
    examples_per_second: float
    peak_memory_mib: dict[str, float]
    parameters: dict[str, int]


def train(run: Run, *, folder: RunFolder) -> Outcome:
    """Train a run, restore its best weights, and write metrics and predictions of validation and test.

    It goes on from the newest whole checkpoint, if there is one, and gives the same bits as if it had never stopped.

    Args:
        run: From ``build``.
        folder: Where predictions go.
    """
    reset_peak_memory()
    leads = run.trainer.is_global_zero
    begun = of_the_leader(run.checkpoint.find(run.classifier) if leads else None)  # what is damaged is removed once
    if begun is None and leads:
        run.best.clear()
    torch.manual_seed(run.seed + _BETWEEN_PROCESSES * run.trainer.global_rank)  # each drops out other numbers
    started = time.perf_counter()
    with _threads_for(run):
        run.trainer.fit(run.classifier, datamodule=run.data, ckpt_path=begun, weights_only=True)
    seconds = time.perf_counter() - started + run.checkpoint.seconds_before
    epochs, steps = run.trainer.current_epoch, run.trainer.global_step
    if run.best.value is None:  # no validation took place
        run.best.save(run.trainer, run.classifier)
    run.best.restore(run.classifier)
    if leads:
        run.best.publish()
    metrics = evaluate(run, folder=folder)
    trained = sum(p.numel() for p in run.classifier.parameters() if p.requires_grad)
    return Outcome(
        metrics=metrics,
        best_epoch=run.best.epoch,
        epochs=epochs,
        steps=steps,
        resumed_at=run.checkpoint.resumed_at,
        train_seconds=round(seconds, 3),
        examples_per_second=round(run.classifier.examples_seen / seconds, 1),
        peak_memory_mib=_most_of_any(peak_memory_mib()),
        parameters={"trained": trained, "pooled_size": run.classifier.pooling.output_size},
    )


def _most_of_any(mine: dict[str, float]) -> dict[str, float]:
    everyone = of_all_processes(mine)
    return {name: max(one[name] for one in everyone) for name in mine}


def evaluate(run: Run, *, folder: RunFolder) -> dict[str, float]:
    """Measure the present weights on validation and test, and write every prediction."""
    predictions = {"validation": Predictions(), "test": Predictions()}
    run.classifier.predictions = predictions
    metrics: dict[str, float] = {}
    for evaluation in (run.trainer.validate, run.trainer.test):
        metrics |= dict(evaluation(run.classifier, datamodule=run.data, verbose=False)[0])
    run.classifier.predictions = None
    for split, collected in predictions.items():
        collected.gather()
        if run.trainer.is_global_zero:
            run.best.still_ours()
            texts = getattr(run.data.rows[split], "tokenised", None)
            collected.write(folder.predictions(split), labels=run.labels, texts=texts)
    return dict(sorted(metrics.items()))


@contextmanager
def _threads_for(run: Run) -> Iterator[None]:
    """One thread for heads on stored vectors: their steps are so small that two threads wait for each other.

    On an idle machine it makes no difference; where other processes want the cores, waiting costs ten times the work.
    """
    before = torch.get_num_threads()
    rows = run.data.rows["train"]
    if isinstance(rows, FeatureRows) and rows.are_vectors:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

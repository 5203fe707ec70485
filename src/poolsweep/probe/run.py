"""One run with ``trainer=probe``: solve, choose on validation, test once."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from poolsweep.device import device_for_float64
from poolsweep.model.classifier import Classifier
from poolsweep.model.outcome import Outcome
from poolsweep.probe.evaluation import FrozenRun
from poolsweep.probe.links import LINKS
from poolsweep.probe.objective import Rows
from poolsweep.probe.probe import SAMPLES, Probe
from poolsweep.probe.solver import TOLERANCE, Solution
from poolsweep.probe.vectors import Vectors
from poolsweep.runs.environment import peak_memory_mib, reset_peak_memory
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile

_MANY_NUMBERS = 2**22  # of the training vectors; below, threads wait for each other longer than they help


@dataclass(frozen=True, kw_only=True)
class ProbeOutcome(Outcome):
    """What a probe found.

    Attributes:
        penalty: The L2 penalty chosen on validation.
        penalties_tried: Each with its monitored metric, the strongest first.
        seeds_are: What the seeds of a study vary, or None if all seeds are one run.
        distinct_rows: Training rows that are in the sample.
    """

    penalty: float
    penalties_tried: list[dict[str, float]]
    seeds_are: str | None
    distinct_rows: int


@dataclass(frozen=True)
class Solved:
    """What was solved.

    Attributes:
        penalty: The L2 penalty chosen on validation.
        solution: The head that is best with it.
        tried: Penalty → the monitored metric, the strongest first; NaN without validation rows.
        distinct_rows: Training rows that are in the sample.
        steps: Iterations of the solver.
    """

    penalty: float
    solution: Solution
    tried: dict[float, float]
    distinct_rows: int
    steps: int


@dataclass(frozen=True)
class ProbeRun(FrozenRun):
    """A run whose head is solved.

    Attributes:
        trainer: Chooses the penalty.
        data_seed: Draws the bootstrap sample.
    """

    trainer: Probe
    data_seed: int

    def fit(self, folder: RunFolder, status: StatusFile) -> ProbeOutcome:
        """Solve the head for every penalty, keep the best, and write weights, metrics and predictions.

        Args:
            folder: Folder that the run writes to.
            status: Status file, which is told how it goes.
        """
        reset_peak_memory()
        started = time.perf_counter()
        probe, classifier, log = self.trainer, self.classifier, logging.getLogger("poolsweep")
        solved = self.solve(status)
        penalty, solution = solved.penalty, solved.solution
        _install(classifier, solution)
        seconds = time.perf_counter() - started
        beside = {"penalty": penalty, "train/loss": solution.loss}
        metrics = self.finish(folder, status, step=len(solved.tried) + 1, beside=beside)
        if solution.change > TOLERANCE:
            log.warning("the head is not solved: its probabilities may be off by %.1g", solution.change)
        if len(probe.penalties) > 1 and penalty in (probe.penalties[0], probe.penalties[-1]):
            log.warning("penalty %g is at the end of trainer.penalties: one beyond it may be better", penalty)
        return ProbeOutcome(
            metrics=metrics,
            penalty=penalty,
            penalties_tried=[
                {"penalty": key, probe.monitor: value}
                for key, value in solved.tried.items()
                if "validation" in self.data
            ],
            seeds_are=SAMPLES if probe.bootstrap else None,
            distinct_rows=solved.distinct_rows,
            steps=solved.steps,
            train_seconds=round(seconds, 3),
            examples_per_second=round(solved.steps * solved.distinct_rows / seconds, 1),
            peak_memory_mib=peak_memory_mib(),
            parameters={
                "trained": solution.weight.numel() + solution.bias.numel(),
                "pooled_size": classifier.pooling.output_size,
            },
            best_epoch=0,
            epochs=0,
        )

    def solve(self, status: StatusFile) -> Solved:
        """Fit the post-processing, solve the head for every penalty, and keep the best.

        Args:
            status: Status file, which is told how it goes.
        """
        probe, classifier = self.trainer, self.classifier.eval()
        device = device_for_float64(probe.accelerator)
        classifier.to(device)
        targets = self.data["train"].targets.numpy()
        counts = probe.sample(len(targets), seed=self.data_seed, classes=self.task.classes(targets))
        if classifier.postprocess.needs_fit:
            repeated = Vectors(self.data["train"], classifier, indices=np.repeat(np.arange(len(counts)), counts))
            classifier.postprocess.fit(repeated.pooled())
        train = Vectors(self.data["train"], classifier, indices=np.flatnonzero(counts))
        validation = Vectors(self.data["validation"], classifier) if "validation" in self.data else None
        weights = torch.from_numpy(counts[counts > 0] / counts.sum()).to(device)
        rows, link = Rows(train.blocks, weights), self.task.link
        assert link is not None, "a config with a task that no probe solves is refused"
        steps = 0

        def measure(penalty: float, solution: Solution) -> float:
            nonlocal steps
            steps += solution.iterations
            tried = probe.penalties.index(penalty) + 1
            status.update(phase="solving", step=tried, steps=len(probe.penalties))
            if validation is None:
                return math.nan
            found = self.metrics(_logits(validation, solution), validation.targets, prefix="val/")
            self.log({"penalty": penalty, "train/loss": solution.loss, **found}, step=tried)
            status.update(monitor=probe.monitor, value=found[probe.monitor])
            return found[probe.monitor]

        with _threads_for(rows):
            nothing = torch.zeros(1, dtype=torch.float64, device=device).expand(len(rows), len(self.contract))
            _, wanted = classifier.for_loss(nothing, train.targets)
            solver = LINKS[link](rows, wanted, classifier.loss, len(self.contract))
            penalty, solution, tried = probe.choose(solver, measure=measure)
        return Solved(penalty, solution, tried, int((counts > 0).sum()), steps)


def _logits(vectors: Vectors, solution: Solution) -> Tensor:
    """(N, C) float32."""
    weight, bias = solution.weight.float(), solution.bias.float()
    return torch.cat([torch.addmm(bias, block, weight.T) for block in vectors.blocks()])


def _install(classifier: Classifier, solution: Solution) -> None:
    linear = classifier.head.classifier
    assert isinstance(linear, nn.Linear)
    with torch.no_grad():
        linear.weight.copy_(solution.weight)
        linear.bias.copy_(solution.bias)


@contextmanager
def _threads_for(rows: Rows) -> Iterator[None]:
    before = torch.get_num_threads()
    first = next(iter(rows.blocks()))
    if len(rows) * first.shape[1] < _MANY_NUMBERS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

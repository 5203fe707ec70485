"""How a probe is chosen: which penalties are tried, and on what sample of the training rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len

from poolsweep.bounds import Described, PositiveFloat
from poolsweep.loggers.metrics_logger import MetricsLogger
from poolsweep.metric_names import sign
from poolsweep.probe.solver import PathSolver, Solution

SAMPLES = "bootstrap samples of the training rows"
Penalties = Annotated[list[PositiveFloat], Len(1), Described("one or more numbers above 0")]
_PATIENCE = 2


class Probe:
    """Solves a linear head for a path of L2 penalties and keeps the one that is best on validation.

    A linear head on fixed vectors is a convex problem: there is one best head for each penalty and no learning rate,
    schedule or number of epochs to choose. The task says what is solved: of one label per text the mean cross-entropy,
    of several labels that of each label, added up, plus ``penalty / 2 · ‖weight‖²``, the bias not penalised. This is
    scikit-learn's ``LogisticRegression(C=1 / (penalty · rows))``, for each label where there are several. Of two
    classes it is that with ``C=2 / (penalty · rows)``: scikit-learn then penalises the difference of both weights.
    Penalties are tried from the strongest until two are worse than the best so far; on a tie the stronger one stays.
    Each is judged by a head whose probabilities of training rows are within 1e-4 of the optimum's.

    It has no seed noise. With ``bootstrap`` a seed draws a sample of the training rows, with replacement, so that
    intervals over seeds say what other training texts would have given. The sample has as many rows of each label as
    there are, if a text has one label; of several labels, it is drawn from all rows.

    Args:
        penalties: L2 penalties to try.
        bootstrap: Fit each seed to a bootstrap sample of the training rows of its own, rather than to all of them.
        monitor: The validation metric that chooses.
        accelerator: Device of the encoder's pass and of the solver: cpu, cuda, mps (the solver then takes the CPU).
        devices: One.
        precision: Precision of the encoder's pass; vectors are float32 and sums over them float64.
        loggers: Get the metrics of each penalty.
    """

    def __init__(
        self,
        *,
        penalties: Penalties,
        bootstrap: bool = True,
        monitor: str = "val/accuracy",
        accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto",
        devices: Literal[1] = 1,
        precision: str | int = 32,
        loggers: Sequence[MetricsLogger] = (),
    ) -> None:
        self.penalties = sorted(penalties, reverse=True)
        self.bootstrap = bootstrap
        self.monitor = monitor
        self.sign = sign(monitor)
        self.accelerator = accelerator
        self.loggers = list(loggers)

    def sample(self, count: int, *, seed: int, classes: np.ndarray | None = None) -> np.ndarray:
        """How often each training row is in the sample; with ``bootstrap=False`` once.

        Args:
            count: Number of training rows.
            seed: Seed of the sample.
            classes: The sample has as many rows of each as there are; None = rows are drawn from all.
        Shape:
            classes (N,); returns (N,) int64, whose sum is N.
        """
        if not self.bootstrap:
            return np.ones(count, dtype=np.int64)
        counts = np.zeros(count, dtype=np.int64)
        random = np.random.default_rng(seed)
        groups = (
            [np.arange(count)] if classes is None else [np.flatnonzero(classes == one) for one in np.unique(classes)]
        )
        for rows in groups:
            counts += np.bincount(random.choice(rows, size=len(rows)), minlength=count)
        return counts

    def choose(
        self, solver: PathSolver, *, measure: Callable[[float, Solution], float]
    ) -> tuple[float, Solution, dict[float, float]]:
        """Solve for one penalty after another, and keep the best.

        Args:
            solver: Solver of the training sample.
            measure: Gives the monitored metric of a penalty's solution.
        Returns:
            The penalty that is best, its solution, and the metric of each penalty that was tried.
        """
        tried: dict[float, float] = {}
        best: tuple[float, Solution] | None = None
        worse = 0
        for penalty in self.penalties:
            solution = solver.solve(penalty)
            tried[penalty] = value = measure(penalty, solution)
            if best is None or self.sign * value > self.sign * tried[best[0]]:
                best, worse = (penalty, solution), 0
            elif value != tried[best[0]]:
                worse += 1
            if worse == _PATIENCE:
                break
        assert best is not None, "no penalty"
        return *best, tried

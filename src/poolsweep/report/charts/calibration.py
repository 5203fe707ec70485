"""Whether a contender's probabilities can be believed: its expected calibration error and reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from poolsweep.report.charts.style import HALF, INK, MUTED, Chart, plain_axes, short
from poolsweep.report.contenders import Contender
from poolsweep.report.predicted import read_predictions

NUM_BINS = 15


@dataclass(frozen=True, eq=False)
class Calibration:
    """The predictions of a contender, sorted by the probability of the label they name.

    Attributes:
        count: Predictions in each bin, summed over seeds.
        confidence: Mean probability of the predicted label in each; nan where empty.
        accuracy: Share that is right in each; nan where empty.
        errors: The expected calibration error of each seed, 0 to 1.

    Shape:
        count, confidence, accuracy (15,).
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """The mean over seeds of the expected calibration error."""
        return float(np.mean(self.errors))


def calibration(contender: Contender) -> Calibration | None:
    """Read the probabilities of all its runs, one at a time; None where there are none."""
    tables, errors = [], []
    for run in contender.runs.values():
        found = read_predictions(run, outputs=True)
        if found is not None and found.outputs is not None:
            table = reliability_table(found.outputs.max(axis=1), found.targets == found.predicted)
            tables.append(table)
            errors.append(calibration_error(table))
    return _pooled(tables, errors) if tables else None


def _pooled(tables: Sequence[NDArray[np.float64]], errors: Sequence[float]) -> Calibration:
    count, confidence, hits = np.sum(tables, axis=0)
    with np.errstate(invalid="ignore"):
        return Calibration(count.astype(np.int64), confidence / count, hits / count, tuple(errors))


def reliability_table(confidence: ArrayLike, correct: ArrayLike) -> NDArray[np.float64]:
    """Count, summed confidence and number right in 15 bins of equal width.

    Shape:
        confidence, correct (N,); returns (3, 15).
    """
    chance = np.asarray(confidence, dtype=np.float64)
    place = np.clip(np.ceil(chance * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)
    weights = (np.ones_like(chance), chance, np.asarray(correct, dtype=np.float64))
    return np.stack([np.bincount(place, weights=w, minlength=NUM_BINS) for w in weights]).astype(np.float64)


def calibration_error(table: ArrayLike) -> float:
    """The expected calibration error: Σ |hits − confidence| / N over the bins.

    Shape:
        table (3, 15), from ``reliability_table``.
    Reference:
        Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks", eq. 3. Differs: none.
    Example:
        >>> round(calibration_error(reliability_table([0.9, 0.9, 0.55], [True, False, True])), 4)
        0.4167
    """
    count, confidence, hits = np.asarray(table, dtype=np.float64)
    return float(np.abs(hits - confidence).sum() / count.sum())


def calibration_chart(found: Mapping[str, Calibration], colours: Mapping[str, str]) -> Chart:
    """Share that is right by confidence, a panel per contender, with how many predictions fall where.

    Args:
        found: By contender.
        colours: By contender.
    """
    figure = Figure(figsize=(HALF if len(found) > 1 else HALF / 2, 3.3), layout="constrained")
    panels = figure.subplots(2, len(found), sharex=True, sharey="row", squeeze=False, height_ratios=[4, 1])
    edges = (np.arange(NUM_BINS) + 0.5) / NUM_BINS
    for column, (name, one) in enumerate(found.items()):
        above, below = panels[0][column], panels[1][column]
        plain_axes(above, grid="y")
        plain_axes(below)
        above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        filled = one.count > 0
        x, y = one.confidence[filled], one.accuracy[filled]
        above.vlines(x, np.minimum(x, y), np.maximum(x, y), color=colours[name], alpha=0.35, linewidth=3)
        above.plot(x, y, color=colours[name], marker="o", markersize=4.5, linewidth=1.2)
        above.set_title(f"{short(name, 20)}\nECE {one.error:.3f}")
        above.set_xlim(0, 1)
        above.set_ylim(0, 1.02)
        below.bar(edges, one.count / one.count.sum(), width=0.9 / NUM_BINS, color=colours[name], alpha=0.6)
        below.set_yticks([])
        below.set_xlabel("confidence")
    panels[0][0].set_ylabel("share right")
    panels[1][0].set_ylabel("share", color=INK)
    return Chart(
        "calibration", "Calibration",
        "Of the predictions made with some confidence, the share that is right. On the dashed line probabilities can "
        "be taken at their word; below it they are too sure. ECE is the mean distance from it (15 bins, over seeds).",
        "; ".join(f"{name}: expected calibration error {one.error:.3f}" for name, one in found.items()), figure,
    )  # fmt: skip

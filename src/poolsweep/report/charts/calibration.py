"""Whether a contender's probabilities can be believed: calibration error, log loss and reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from poolsweep.report.charts.style import HALF, INK, MUTED, Chart, plain_axes, short
from poolsweep.report.contenders import Contender
from poolsweep.report.predicted import Predicted, read_predictions
from poolsweep.tasks import Outcomes

NUM_BINS = 15
_ARROWS = " Grey: before the temperature was applied."


@dataclass(frozen=True, eq=False)
class Calibration:
    """The predictions of a contender, sorted by the probability of what was predicted.

    Attributes:
        count: Predictions in each bin, summed over seeds.
        confidence: Mean probability in each; nan where empty.
        accuracy: Share that is so in each; nan where empty.
        errors: The expected calibration error of each seed, 0 to 1.
        log_losses: The mean log loss of each seed.
        temperatures: The temperature of each seed; 1 where none was applied.
        before: The same before temperatures were applied; None where none was.

    Shape:
        count, confidence, accuracy (15,).
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    errors: tuple[float, ...]
    log_losses: tuple[float, ...]
    temperatures: tuple[float, ...]
    before: Calibration | None = None

    @property
    def error(self) -> float:
        """The mean over seeds of the expected calibration error."""
        return float(np.mean(self.errors))

    @property
    def log_loss(self) -> float:
        """The mean over seeds of the log loss."""
        return float(np.mean(self.log_losses))

    @property
    def temperature(self) -> float:
        """The geometric mean over seeds of the temperature."""
        return float(np.exp(np.mean(np.log(self.temperatures))))

    def change(self, name: str) -> str:
        """``error`` or ``log_loss`` as it is written: what it was before, where a temperature was applied, and is."""
        found = [one for one in (self.before, self) if one is not None]
        return " → ".join(f"{getattr(one, name):.3f}" for one in found)


def calibration(contender: Contender) -> Calibration | None:
    """Read the probabilities of all its runs, one at a time; None where there are none."""
    after, before = [], []
    for run in contender.runs.values():
        found = read_predictions(run, outputs=True)
        one = None if found is None else _measured(found, found, temperature=found.contract.temperature)
        if found is not None and one is not None:
            after.append(one)
            raw = found.task.before_temperature(found.contract, found)
            before.append(one if raw is None else _measured(found, raw, temperature=1.0) or one)
    if not after:
        return None
    changed = any(one.temperature != 1 for one in after)
    return replace(_pooled(after), before=_pooled(before) if changed else None)


@dataclass(frozen=True, eq=False)
class _OfRun:
    table: NDArray[np.float64]
    log_loss: float
    temperature: float


def _measured(predicted: Predicted, found: Outcomes, *, temperature: float) -> _OfRun | None:
    told = None if found.outputs is None else predicted.task.reliability(found)
    if told is None:
        return None
    return _OfRun(reliability_table(*told), float(predicted.task.scores("log_loss", found).mean()), temperature)


def _pooled(runs: Sequence[_OfRun]) -> Calibration:
    count, confidence, hits = np.sum([one.table for one in runs], axis=0)
    with np.errstate(invalid="ignore"):
        return Calibration(
            count.astype(np.int64),
            confidence / count,
            hits / count,
            tuple(calibration_error(one.table) for one in runs),
            tuple(one.log_loss for one in runs),
            tuple(one.temperature for one in runs),
        )


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
    """Share that is so by probability, a panel per contender, with how many predictions fall where.

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
        if one.before is not None:
            known = one.before.count > 0
            x, y = one.before.confidence[known], one.before.accuracy[known]
            above.plot(x, y, color=MUTED, marker="o", markersize=4, linewidth=1, markerfacecolor="none")
        filled = one.count > 0
        x, y = one.confidence[filled], one.accuracy[filled]
        above.vlines(x, np.minimum(x, y), np.maximum(x, y), color=colours[name], alpha=0.35, linewidth=3)
        [line] = above.plot(x, y, color=colours[name], marker="o", markersize=4.5, linewidth=1.2)
        line.set_gid("now")
        above.set_title(f"{short(name, 20)}\nECE {one.change('error')}")
        above.set_xlim(0, 1)
        above.set_ylim(0, 1.02)
        below.bar(edges, one.count / one.count.sum(), width=0.9 / NUM_BINS, color=colours[name], alpha=0.6)
        below.set_yticks([])
        below.set_xlabel("probability")
    panels[0][0].set_ylabel("share that is so")
    panels[1][0].set_ylabel("share", color=INK)
    return Chart(
        "calibration", "Calibration",
        "By the probability of what was predicted (of several labels a text, of each label), the share that is so. On "
        "the dashed line probabilities can be taken at their word; below it they are too sure. ECE is the mean "
        f"distance from it (15 bins, over seeds).{_ARROWS if any(one.before for one in found.values()) else ''}",
        "; ".join(f"{name}: expected calibration error {one.change('error')}" for name, one in found.items()), figure,
    )  # fmt: skip

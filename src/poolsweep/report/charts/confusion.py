"""Confusion matrices of the best and the baseline, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.report.charts.style import BASE, LEAD, WIDE, Cells, Chart, short
from poolsweep.report.predicted import Predicted

_MOST, _WITH_NUMBERS = 24, 14  # labels


def confusion(predictions: Sequence[Predicted]) -> NDArray[np.int64]:
    """Counts of label by predicted label, summed over runs.

    Shape:
        returns (C, C), rows are the true labels.
    """
    num = len(predictions[0].names)
    total = np.zeros((num, num), dtype=np.int64)
    for p in predictions:
        np.add.at(total, (p.targets, p.predicted), 1)
    return total


def confusion_chart(matrices: Mapping[str, NDArray[np.int64]], names: Sequence[str]) -> Chart:
    """Share of each label's texts by predicted label, a panel per contender.

    Args:
        matrices: Contender → counts, true label by predicted label.
        names: Label names, in the order of their ids.

    Shape:
        matrices (C, C) each.
    """
    total = np.sum(list(matrices.values()), axis=0)
    shown, folded = _shown(total)
    labels = [short(names[i], 14) for i in shown] + (["others"] if folded else [])
    num = len(labels)
    side = min(max(0.36 * num, 1.7), 3.9)
    figure = Figure(figsize=(WIDE if len(matrices) > 1 else WIDE / 2, side + 1.25), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (name, counts) in zip(panels, matrices.items(), strict=True):
        _panel(axes, _fold(counts, shown, folded=folded), labels)
        axes.set_title(short(name), y=1, pad=8)
        axes.set_xlabel("predicted")
    panels[0].set_ylabel("true label")
    some = f" The {len(shown)} labels with the most errors; the others are taken together." if folded else ""
    recall = {
        name: float(np.trace(counts) / max(counts.sum(), 1)) for name, counts in matrices.items()
    }  # fmt: skip
    return Chart(
        "confusion", "Confusion: the best and the baseline" if len(matrices) > 1 else "Confusion",
        "Share of each true label's texts (a row) by predicted label, in %, all seeds together: right in blue, "
        f"wrong in orange.{some}",
        "; ".join(f"{name}: {100 * value:.2f}% right" for name, value in recall.items()), figure,
    )  # fmt: skip


def _panel(axes, counts: NDArray[np.int64], labels: Sequence[str]) -> None:  # noqa: ANN001
    num = len(labels)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = Cells(axes, labels, labels)
    for i, j in np.ndindex(num, num):
        part = float(share[i, j])
        if part > 0.002:
            cells.fill(i, j, LEAD if i == j else BASE, 0.08 + 0.5 * (part if i == j else min(1.0, 2 * part)))
        if num <= _WITH_NUMBERS and part >= 0.005:
            cells.write(i, j, f"{100 * part:.0f}", size=7.5)
    cells.draw()
    long = max(map(len, labels)) > 3
    for axis, turned in ((axes.xaxis, long), (axes.yaxis, False)):
        for label in axis.get_ticklabels():
            label.set_fontsize(8 if num <= _WITH_NUMBERS else 6.5)
            if turned:
                label.set(rotation=60, ha="right", rotation_mode="anchor")


def _shown(total: NDArray[np.int64]) -> tuple[list[int], bool]:
    """The labels to show, in their order, and whether some are left over."""
    if len(total) <= _MOST:
        return list(range(len(total))), False
    errors = total.sum(axis=0) + total.sum(axis=1) - 2 * np.diagonal(total)
    return sorted(int(i) for i in np.argsort(-errors, kind="stable")[: _MOST - 1]), True


def _fold(counts: NDArray[np.int64], shown: Sequence[int], *, folded: bool) -> NDArray[np.int64]:
    if not folded:
        return counts
    place = np.full(len(counts), len(shown))
    place[list(shown)] = np.arange(len(shown))
    result = np.zeros((len(shown) + 1, len(shown) + 1), dtype=np.int64)
    np.add.at(result, (place[:, None], place[None, :]), counts)
    return result

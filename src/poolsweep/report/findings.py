"""All that a report says about one comparison, gathered before any of it is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolsweep.report.answer import answers
from poolsweep.report.cautions import cautions
from poolsweep.report.charts.calibration import Calibration, calibration, calibration_chart
from poolsweep.report.charts.confusion import confusion, confusion_chart
from poolsweep.report.charts.cost import cost_chart, costs
from poolsweep.report.charts.curves import curves_chart
from poolsweep.report.charts.errors import Slice, errors_chart, slices
from poolsweep.report.charts.heat_maps import encoders_chart, halves_chart, halves_grid
from poolsweep.report.charts.learning import learning_chart
from poolsweep.report.charts.outcomes import label_f1_chart, scatter_chart
from poolsweep.report.charts.pairs import pairs_chart
from poolsweep.report.charts.seeds import seeds_chart
from poolsweep.report.charts.style import Chart, role_colour
from poolsweep.report.comparison import Comparison
from poolsweep.report.encoders import does_it_depend, encoder_grid
from poolsweep.report.learning import LearningCurve, learning_curve
from poolsweep.report.predicted import Predicted
from poolsweep.report.settling import what_would_settle
from poolsweep.report.texts import Disagreement, TestTexts, disagreements, read_texts
from poolsweep.statistics import (
    EffectSize,
    SignFlip,
    effect_size,
    paired_differences,
    sign_flip_test,
)
from poolsweep.terminal.text import number


@dataclass(frozen=True, eq=False)
class Findings:
    """What a report says about one data set.

    Attributes:
        comparison: The numbers.
        answer: In a sentence, and what follows from it in others.
        settle: What would tell the best from those tied with it.
        cautions: Each with whether it undermines the verdict.
        calibrations: By contender.
        companions: Other views of the differences to the baseline.
        slices: The best and the baseline on parts of the test texts.
        disagreements: Texts on which poolings disagree.
        charts: Figures, in the order of the page.
        missing: Why parts are not there, a sentence each.
        smaller: The same on fewer training rows, without charts.
        learning: All of these by number of training rows; None where there is one.
    """

    comparison: Comparison
    answer: tuple[str, ...]
    settle: tuple[str, ...]
    cautions: tuple[tuple[bool, str], ...]
    calibrations: Mapping[str, Calibration]
    companions: tuple[Companion, ...]
    slices: tuple[Slice, ...]
    disagreements: tuple[Disagreement, ...]
    charts: tuple[Chart, ...]
    missing: tuple[str, ...]
    smaller: tuple[Findings, ...] = ()
    learning: LearningCurve | None = None

    @property
    def calibrated(self) -> bool:
        """Whether probabilities of any contender have a temperature."""
        return any(one.before is not None for one in self.calibrations.values())


def examine(
    comparison: Comparison, *, smaller: Sequence[Comparison] = (), with_texts: bool = True,
    skipped: frozenset[tuple[str, str]] = frozenset(),
) -> Findings:  # fmt: skip
    """Look at a comparison from every side that its run folders allow; call it within ``house_style``.

    Args:
        comparison: Comparison on one data set.
        smaller: Comparisons on fewer training rows of it.
        with_texts: Whether texts of the test split may be read and shown.
        skipped: Encoder and pooling of pairs that cannot be.
    """
    missing: list[str] = []
    first, second = comparison.names[0], comparison.baseline if comparison.baseline != comparison.names[0] else None
    pair = [name for name in (first, second) if name and name in comparison.predictions]
    texts, lengths, unit = _texts(comparison, pair, missing, with_texts=with_texts)
    calibrations = _calibrations(comparison) if "calibration" in comparison.draws else {}
    cut = slices(comparison, first, second, lengths=lengths, unit=unit)
    curve = learning_curve([comparison, *smaller])
    charts = [learning_chart(curve)] if curve else []
    grid = encoder_grid(comparison)
    charts += [encoders_chart(comparison, grid, skipped=skipped)] if grid else []
    charts += [seeds_chart(comparison), pairs_chart(comparison), *_halves(comparison)]
    charts += [cost_chart(comparison, costs(comparison)), curves_chart(comparison)]
    if not charts[-1]:
        missing.append("No validation by epoch: no run logged validation (a probe solves its heads in one go).")
    charts += _of_predictions(comparison, pair)
    if pair:
        charts.append(errors_chart(cut, first, second))
    else:
        missing.append("Nothing is drawn of predictions: the best has none on the test split.")
    if pair and not comparison.splits and next(iter(comparison.predictions[pair[0]].values())).right is None:
        missing.append("No errors by slice: a score is neither right nor wrong. The scatter shows them by target.")
    if comparison.splits and comparison.predictions:
        missing.append("No errors by slice and no texts in dispute: the runs are of several splits.")
    chosen = {name: calibrations[name] for name in pair if name in calibrations}
    if chosen:
        charts.append(calibration_chart(chosen, {name: role_colour(comparison, name) for name in chosen}))
    return Findings(
        comparison,
        tuple(filter(None, (*answers(comparison), does_it_depend(comparison, grid)))),
        tuple(what_would_settle(comparison)),
        tuple(cautions(comparison)),
        calibrations,
        tuple(companions(comparison)),
        tuple(cut),
        tuple(disagreements(comparison, texts)),
        tuple(chart for chart in charts if chart),
        tuple(missing),
        tuple(map(_in_short, smaller)),
        curve,
    )


def _in_short(comparison: Comparison) -> Findings:
    """The verdict alone, for one of many sizes."""
    told = tuple(what_would_settle(comparison)), tuple(cautions(comparison))
    return Findings(comparison, answers(comparison), *told, {}, (), (), (), (), ())


def _calibrations(comparison: Comparison) -> dict[str, Calibration]:
    return {name: found for name in comparison.names if (found := calibration(comparison.contender(name)))}


def _of_predictions(comparison: Comparison, pair: Sequence[str]) -> list[Chart]:
    """What the task can show of the best and the baseline."""
    found = {name: list(comparison.predictions[name].values()) for name in pair}
    if not found:
        return []
    charts, kinds = [], comparison.draws
    if "confusion" in kinds:
        matrices = {name: confusion(runs) for name, runs in found.items()}
        charts.append(confusion_chart(matrices, found[pair[0]][0].names))
    if "label_f1" in kinds:
        charts.append(label_f1_chart(found))
    if "scatter" in kinds:
        charts.append(scatter_chart(found, {name: role_colour(comparison, name) for name in found}))
    return charts


def _halves(comparison: Comparison) -> list[Chart]:
    grid = halves_grid(comparison)
    return [halves_chart(comparison, grid)] if grid else []


def _texts(
    comparison: Comparison, pair: list[str], missing: list[str], *, with_texts: bool
) -> tuple[tuple[str, ...] | None, np.ndarray | None, str]:
    """Texts, if they can be had; lengths in tokens where runs recorded them, in words where not; the unit of these."""
    if not pair or not comparison.scores:
        return None, None, ""
    seed, predicted = next(iter(comparison.predictions[pair[0]].items()))
    run = comparison.contender(pair[0]).runs[seed]
    found = read_texts(run, predicted) if with_texts else TestTexts(None, "they were left out (--no-texts)")
    if found.texts is None:
        missing.append(f"Texts are not shown, row ids stand for them: {found.reason}.")
    lengths, unit = _lengths(predicted, found)
    if lengths is None:
        missing.append("No errors by length: the runs did not record it, and without the texts it is not known.")
    if predicted.truncated is None and not _nothing_was_cut(run.facts):
        missing.append("No errors by truncation: the runs did not record which texts were cut.")
    return found.texts, lengths, unit


def _lengths(predicted: Predicted, found: TestTexts) -> tuple[np.ndarray | None, str]:
    if predicted.tokens is not None:
        return predicted.tokens, "tokens"
    if found.texts is None:
        return None, ""
    return np.array([len(text.split()) for text in found.texts]), "words"


def _nothing_was_cut(facts: Mapping) -> bool:
    return (facts.get("truncated_share") or {}).get("test") == 0


@dataclass(frozen=True)
class Companion:
    """One contender minus the baseline.

    Attributes:
        name: The contender.
        signs: The exact sign-flip test over seeds; None with fewer than two paired seeds.
        effect: Sizes and win shares.
    """

    name: str
    signs: SignFlip | None
    effect: EffectSize

    @property
    def hedges_g(self) -> str:
        """As it is written: nothing where it is not known."""
        g = self.effect.hedges_g
        return "–" if math.isnan(g) else number(g, "+z.2f")

    @property
    def hedges_g_for_sorting(self) -> str:
        """As JavaScript reads it; empty where it is not known."""
        g = self.effect.hedges_g
        return "" if math.isnan(g) else str(g)


def companions(comparison: Comparison) -> list[Companion]:
    """One for each contender that is compared with the baseline, best first; none without predictions."""
    base = comparison.scores.get(comparison.baseline or "")
    if base is None:
        return []
    found = []
    for name in comparison.names:
        table = paired_differences(comparison.scores[name], base) if name in comparison.scores else None
        if name == comparison.baseline or name not in comparison.against or table is None or table.shape[1] < 2:
            continue
        signs = sign_flip_test(table.mean(axis=1)) if len(table) > 1 else None
        found.append(Companion(name, signs, effect_size(table)))
    return found

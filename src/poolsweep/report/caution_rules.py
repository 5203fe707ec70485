"""The rules of cautions: facts about the runs of a study and its labels, turned into sentences."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from poolsweep.metric_names import METRICS
from poolsweep.report.replicates import Replicate, Wording
from poolsweep.statistics import Estimate
from poolsweep.terminal.text import number

Kind = Literal[
    "failed runs",
    "missing replicates",
    "unequal replicates",
    "few replicates",
    "selection on test",
    "different commits",
    "different versions",
    "different hardware",
    "different test rows",
    "class imbalance",
    "no better than the majority",
    "rare classes",
]

RARE = 10  # examples of a class under which a linearised F1 is not to be trusted
FEW = 3  # with 2 replicates an interval has one degree of freedom for their noise
MEANS_OVER_LABELS = ("f1_macro", "balanced_accuracy", "roc_auc", "average_precision", "mean_average_precision")
_LONGEST = 80  # characters of what differs between runs
MOST_NAMED = 8  # rare labels in a sentence
MOST_IDLE = 3  # contenders in a sentence that are named with their differences
UNEVEN = 2.0  # times the smallest test split that the largest may be
IMBALANCE = 0.7  # share of the best accuracy that always answering the commonest label reaches


@dataclass(frozen=True)
class RunFacts:
    """What one run says of itself. ``None`` is unknown and never counts as different.

    ``selected_on`` is the split whose metric chose the checkpoint; ``test_rows`` any fingerprint of the rows tested.
    """

    contender: str
    replicate: Replicate
    finished: bool = True
    selected_on: str | None = "validation"
    commit: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str | None = None
    test_rows: str | None = None


@dataclass(frozen=True)
class Caution:
    """One thing to know, whom it is about, and whether it undermines the verdict (``serious``) or only colours it."""

    kind: Kind
    sentence: str
    subjects: tuple[str, ...]
    serious: bool


def study_cautions(runs: Sequence[RunFacts]) -> tuple[Caution, ...]:
    """Cautions about how the runs of a study were made, serious ones first.

    Args:
        runs: All runs of one group, failed ones too.

    Example:
        >>> of = Replicate.of_seed
        >>> runs = [RunFacts("cls", of(0)), RunFacts("cls", of(1)), RunFacts("max", of(0))]
        >>> [caution.sentence for caution in study_cautions([*runs, RunFacts("max", of(1), finished=False)])][0]
        'Failed: max seed 1. A verdict without failed runs favours contenders that fail when they do badly.'
    """
    wording = Wording.of(run.replicate for run in runs)
    found = [
        *_failed(runs, wording),
        *_selection(runs),
        *_differing(runs),
        *_replicate_lists(runs, wording),
    ]
    return tuple(sorted(found, key=lambda caution: not caution.serious))


def _failed(runs: Sequence[RunFacts], wording: Wording) -> list[Caution]:
    failed = _by_contender(run for run in runs if not run.finished)
    if not failed:
        return []
    listed = "; ".join(f"{name} {wording.listed(several)}" for name, several in failed.items())
    sentence = f"Failed: {listed}. A verdict without failed runs favours contenders that fail when they do badly."
    return [Caution("failed runs", sentence, tuple(failed), serious=True)]


def _selection(runs: Sequence[RunFacts]) -> list[Caution]:
    guilty = tuple(dict.fromkeys(run.contender for run in runs if run.selected_on == "test"))
    if not guilty:
        return []
    sentence = f"Selected on the test split: {', '.join(guilty)}. Their test scores are too high by an unknown amount."
    return [Caution("selection on test", sentence, guilty, serious=True)]


def _differing(runs: Sequence[RunFacts]) -> list[Caution]:
    """Facts that should be one and the same in all finished runs."""
    finished = [run for run in runs if run.finished]
    checks: list[tuple[Kind, str, dict[str, list[str]], bool]] = [
        ("different test rows", "Tested on different rows", _by_fact(finished, "test_rows"), True),
        ("different commits", "Run from different commits", _by_fact(finished, "commit"), False),
        ("different versions", "Run under different versions", _by_versions(finished), False),
        ("different hardware", "Run on different hardware", _by_fact(finished, "hardware"), False),
    ]
    cautions = []
    for kind, start, groups, serious in checks:
        if len(groups) < 2:
            continue
        listed = "; ".join(f"{value[:_LONGEST]}: {', '.join(dict.fromkeys(names))}" for value, names in groups.items())
        subjects = tuple(dict.fromkeys(name for names in groups.values() for name in names))
        cautions.append(Caution(kind, f"{start}: {listed}.", subjects, serious))
    return cautions


def _replicate_lists(runs: Sequence[RunFacts], wording: Wording) -> list[Caution]:
    finished = _by_contender(run for run in runs if run.finished)
    everyone = dict.fromkeys(run.contender for run in runs)
    expected = {run.replicate for run in runs}
    missing = {name: expected - finished.get(name, set()) for name in everyone}
    missing = {name: several for name, several in missing.items() if several}
    cautions, noun = [], wording.noun
    if missing:
        listed = "; ".join(f"{name} lacks {wording.listed(several)}" for name, several in missing.items())
        cautions.append(Caution("missing replicates", f"Missing: {listed}.", tuple(missing), serious=False))
    counts = {name: len(finished.get(name, set())) for name in everyone}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        sentence = f"Unequal numbers of {noun}: {listed}. Pairs are compared on the {noun} they share."
        cautions.append(Caution("unequal replicates", sentence, tuple(counts), serious=False))
    few = tuple(name for name, count in counts.items() if 0 < count < FEW)
    if few:
        told = f"One {noun.removesuffix('s')} says nothing of others, two say little."
        sentence = f"Fewer than {FEW} {noun}: {', '.join(few)}. {told}"
        cautions.append(Caution("few replicates", sentence, few, serious=any(counts[name] == 1 for name in few)))
    return cautions


def label_cautions(
    label_counts: Mapping[str, int], *, over_majority: Mapping[str, Estimate] | None = None, metric: str = "f1_macro"
) -> tuple[Caution, ...]:
    """Cautions about the labels of the test rows: where accuracy misleads, and where F1 rests on a handful of examples.

    Args:
        label_counts: Test examples by label name.
        over_majority: Test accuracy minus that of always answering the commonest label, by contender.
        metric: Metric that is compared, without the split.

    Raises:
        ValueError: If there is no test example.

    Example:
        >>> from poolsweep.statistics.estimate import t_estimate
        >>> over = {"cls": t_estimate(-0.01, 1e-4, 9), "mean": t_estimate(0.05, 1e-4, 9)}
        >>> [caution.kind for caution in label_cautions({"no": 90, "yes": 10}, over_majority=over)]
        ['no better than the majority', 'class imbalance']
    """
    total = sum(label_counts.values())
    if total <= 0:
        raise ValueError("label_counts must count at least one test example")
    commonest = max(label_counts, key=lambda name: label_counts[name])
    share = label_counts[commonest] / total
    cautions: list[Caution] = []
    over = over_majority or {}
    idle = {name: e for name, e in over.items() if not (e.value if math.isnan(e.low) else e.low) > 0}
    if idle and share < 1:
        listed = _first([f"{name} ({_points(estimate)})" for name, estimate in idle.items()], MOST_IDLE, between="; ")
        sentence = f"Not shown to be better than always answering {commonest} ({share:.1%} accuracy): {listed}."
        cautions.append(Caution("no better than the majority", sentence, tuple(idle), serious=True))
    best = share + max((estimate.value for estimate in over.values()), default=1.0 - share)
    if share < 1 and share >= IMBALANCE * best:
        sentence = (
            f"Always answering {commonest} gives {share:.1%} accuracy: read macro-F1 or the Matthews correlation."
        )
        cautions.append(Caution("class imbalance", sentence, (commonest,), serious=False))
    return (*cautions, *rare_labels(label_counts, metric=metric))


def rare_labels(label_counts: Mapping[str, int], *, metric: str) -> tuple[Caution, ...]:
    """A caution where some labels have a handful of test examples, on which a mean over labels leans.

    Args:
        label_counts: Test examples by label name.
        metric: Metric that is compared, without the split.
    Example:
        >>> [caution.sentence for caution in rare_labels({"joy": 90, "awe": 4}, metric="roc_auc")]
        ['Labels with fewer than 10 test examples: awe. Intervals of ROC-AUC lean on them.']
    """
    rare = tuple(name for name, count in label_counts.items() if 0 < count < RARE)
    if not rare:
        return ()
    leaning = METRICS[metric].title if metric in MEANS_OVER_LABELS else "macro-F1"
    listed = _first(rare, MOST_NAMED, between=", ")
    sentence = f"Labels with fewer than {RARE} test examples: {listed}. Intervals of {leaning} lean on them."
    return (Caution("rare classes", sentence, rare, serious=False),)


def _first(told: Sequence[str], most: int, *, between: str) -> str:
    """The first of several, and how many more there are."""
    return between.join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def _points(estimate: Estimate) -> str:
    """Such as "+0.1 points, 95% interval −0.5 to +0.8"."""
    value, low, high = (number(100 * x, "+z.1f") for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} points" + ("" if math.isnan(estimate.low) else f", 95% interval {low} to {high}")


def _by_fact(runs: Sequence[RunFacts], fact: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        value = getattr(run, fact)
        if value is not None:
            groups[value].append(run.contender)
    return dict(groups)


def _by_versions(runs: Sequence[RunFacts]) -> dict[str, list[str]]:
    """Versions of the packages that have several, in a line, and who ran under them."""
    told: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for package, version in run.versions.items():
            told[package].add(version)
    differ = sorted(package for package, several in told.items() if len(several) > 1)
    groups: dict[str, list[str]] = defaultdict(list)
    for run in (run for run in runs if differ and run.versions):
        groups[", ".join(f"{one} {run.versions.get(one, 'unknown')}" for one in differ)].append(run.contender)
    return dict(groups)


def _by_contender(runs: Iterable[RunFacts]) -> dict[str, set[Replicate]]:
    replicates: dict[str, set[Replicate]] = defaultdict(set)
    for run in runs:
        replicates[run.contender].add(run.replicate)
    return dict(replicates)

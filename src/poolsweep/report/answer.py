"""The answer in short sentences: what a comparison shows, what it does not, and what would settle its ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

from poolsweep.metric_names import sign
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import METRICS, p_text, points, shown, signed
from poolsweep.report.replicates import NO_FOLD


def answers(comparison: Comparison) -> tuple[str, ...]:
    """The answer in a few sentences, each a line of its own, the most important first."""
    lines = (
        answer(comparison), cheapest(comparison), against_baseline(comparison), which_baseline(comparison),
        why_no_differences(comparison),
        *one_label(comparison),
    )  # fmt: skip
    return tuple(line for line in lines if line)


def answer(comparison: Comparison) -> str:
    """Which pooling has the highest score, its difference to the baseline, and which others could be as good."""
    best = comparison.names[0]
    metric = f"test {METRICS[comparison.metric].title}"
    score = shown(comparison.summaries[best].mean, comparison.metric) + (
        "%" if METRICS[comparison.metric].unit == "percent" else ""
    )
    if len(comparison.names) == 1:
        return f"Only {best} has finished runs ({metric} {score}): there is nothing to compare it with."
    extreme = "highest" if sign(comparison.metric) == 1 else "lowest"
    role = ", the baseline," if best == comparison.baseline else ""
    sentences = [f"{best}{role} has the {extreme} {metric}: {score}.", _over_baseline(comparison, best)]
    return " ".join(filter(None, [*sentences, _verdict(comparison, best)]))


def _over_baseline(comparison: Comparison, best: str) -> str:
    d = comparison.difference(best, comparison.baseline) if comparison.baseline not in (None, best) else None
    if d is None:
        return ""
    value, low, high = (signed(number, comparison.metric) for number in (d.value, d.low, d.high))
    start = f"Its difference to {comparison.baseline} is {value}{points(comparison.metric)}"
    if math.isnan(d.low):
        return f"{start}."
    not_significant = "" if d.significant else " That is not significant."
    return f"{start} (95% interval {low} to {high}, p {_equals(d.p_value)}).{not_significant}"


def which_baseline(comparison: Comparison) -> str:
    """Which of several contenders with the pooling that was asked for is the baseline; empty where there is one."""
    several = comparison.group.called(comparison.asked_baseline)
    if comparison.baseline is None or len(several) < 2:
        return ""
    return (
        f"The baseline is {comparison.baseline}, the first by name of {len(several)} contenders with "
        f"{comparison.asked_baseline}; --baseline names another."
    )


def against_baseline(comparison: Comparison) -> str:
    """Which poolings differ significantly from the baseline; empty where that is not known."""
    known = {name: d for name, d in comparison.against.items() if not math.isnan(d.low)}
    if not known:
        return ""
    differing = [name for name in comparison.names if name in known and known[name].significant]
    if not differing:
        return f"No {contender_noun(comparison)} differs significantly from {comparison.baseline}."
    above = [name for name in differing if known[name].value > 0]
    below = [name for name in differing if known[name].value < 0]
    sides = (("above", above), ("below", below))
    return " ".join(f"Significantly {side} {comparison.baseline}: {listed(names)}." for side, names in sides if names)


def why_no_differences(comparison: Comparison) -> str:
    """Why there are no differences to a baseline that a race has dropped; else empty."""
    for name, contender in comparison.group.contenders.items():
        if name == comparison.asked_baseline and name in comparison.dropped:
            return (
                f"No differences to {name}: the race stopped it after {len(contender.runs)} seeds; "
                f"race.keep=[{name}] lets a baseline run on."
            )
    return ""


def _equals(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _verdict(comparison: Comparison, best: str) -> str:
    """Which others could be as good as the best, or why that is not known."""
    if comparison.basis == "one seed":
        return "One seed does not say what another would give."
    if best not in comparison.compared:
        return "Whether that is significant is not known."
    tied = [name for name in comparison.leading if name != best]
    others = [name for name in comparison.in_the_running if name != best and name in comparison.compared]
    given, noun = f"given {evidence(comparison)}", contender_noun(comparison)
    if not tied:
        every = f"Every other {noun}" if comparison.star else f"Every other {noun} that can be compared"
        told = f"{every} is significantly worse, {given}."
    elif len(tied) == len(others) > 1:
        told = f"None of the {len(others)} others is significantly worse, {given}."
    else:
        told = f"Not significantly worse, {given}: {listed(tied)}."
    return " ".join(filter(None, [told, _scope(comparison)]))


def _scope(comparison: Comparison) -> str:
    """What a verdict does not cover, where that is less than other seeds and other texts."""
    if comparison.basis == "texts":
        return "Nothing in these runs is random, so that is about other test texts alone."
    if comparison.basis == "seeds":
        return "Without predictions that is about other seeds alone, on these test texts."
    return ""


def evidence(comparison: Comparison) -> str:
    """What a comparison rests on: "3 seeds and 1,200 test texts", or "5 folds and 6,000 test texts"."""
    if comparison.basis == "splits":
        return _splits_and_texts(comparison)
    judged = [name for name in comparison.compared if not _is_fixed(comparison, name)]
    counts = sorted({len(comparison.values[name]) for name in judged})
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else ""
    first = next(iter(comparison.scores.values()), None)
    texts = f"{len(first.row_ids):,} test text{'s' * (len(first.row_ids) != 1)}" if first else ""
    return " and ".join([*([f"{span} seeds"] if span else []), *([texts] if texts else [])])


def _splits_and_texts(comparison: Comparison) -> str:
    assert comparison.splits is not None
    texts = {d.num_examples for d in comparison.pairwise.differences.values()} if comparison.pairwise else set()
    told = f"{len(comparison.splits.common)} {split_noun(comparison)}"
    return told + (f" and {max(texts):,} test texts" if max(texts, default=0) else "")


def contender_noun(comparison: Comparison) -> str:
    """What the contenders are: poolings, unless encoders or regimes differ too."""
    several = any(name != contender.key.pooling for name, contender in comparison.group.contenders.items())
    return "contender" if several else "pooling"


def split_noun(comparison: Comparison) -> str:
    """What the splits of a comparison are called: folds of one division, or splits."""
    replicates = comparison.group.replicates.values()
    one_division = len({one.split_seed for one in replicates}) == 1
    return "folds" if one_division and all(one.fold != NO_FOLD for one in replicates) else "splits"


def what_intervals_cover(comparison: Comparison) -> str:
    """What the intervals of differences speak of, in a sentence; empty where there are none."""
    differences = comparison.pairwise.differences.values() if comparison.pairwise else ()
    covers = [one.covers for one in differences if one.covers]
    if not covers or comparison.basis == "nothing":
        return ""
    known = [kind for kind in ("seeds", "texts", "splits") if all(kind in one for one in covers)]
    listed_kinds = listed([f"other {kind}" for kind in known])
    if comparison.basis != "splits" or comparison.splits is None:
        return f"Intervals of differences cover {listed_kinds}, on this one split of the data."
    if comparison.splits.tested_on_the_same:
        how = "the training rows were divided anew, and all splits have the same test texts"
    elif split_noun(comparison) == "folds":
        how = "each text was tested once, by a model that did not train on it"
    else:
        how = "each split drew its own test texts"
    return f"Intervals of differences cover {listed_kinds}: {how}."


def _is_fixed(comparison: Comparison, name: str) -> bool:
    return name in comparison.scores and comparison.scores[name].deterministic


def cheapest(comparison: Comparison) -> str:
    """Which of those that could be the best is the cheapest: fewest parameters, then the smallest vector."""
    if len(comparison.leading) < 2:
        return ""
    costs = {name: _cost(comparison, name) for name in comparison.leading}
    name = min(comparison.leading, key=lambda name: costs[name])  # of equals the first, whose mean is highest
    trained, dims = costs[name]
    extreme = "highest" if sign(comparison.metric) == 1 else "lowest"
    if len(set(costs.values())) == 1:
        return f"The {len(costs)} that could be the best cost the same: take {name}, whose mean is {extreme}."
    return (
        f"Of the {len(costs)} that could be the best, take {name}. It is the cheapest: {trained:,} trained parameters, "
        f"vectors of {dims:,} numbers."
    )


def _cost(comparison: Comparison, name: str) -> tuple[int, int]:
    parameters = comparison.contender(name).any_run.facts["parameters"]
    return int(parameters["trained"]), int(parameters["pooled_size"])


def one_label(comparison: Comparison) -> list[str]:
    """Who predicts one label for every test text, though these have several."""
    found: dict[str, list[str]] = {}
    for name, by_seed in comparison.predictions.items() if comparison.has_classes else ():
        said = [(p, set(p.predicted.tolist())) for p in by_seed.values() if len(set(p.targets.tolist())) > 1]
        single = [p.names[labels.pop()] for p, labels in said if len(labels) == 1]
        if single:
            runs = "" if len(single) == len(by_seed) else f" in {len(single)} of {len(by_seed)} runs"
            found.setdefault(f"{listed(list(dict.fromkeys(single)))} for every test text{runs}", []).append(name)
    return [
        f"One label predicted: {listed(names)} answer{'s' * (len(names) == 1)} {what}." for what, names in found.items()
    ]


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""The answer in words: hedged sentences about a comparison, and what would settle its ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import METRICS, hundredths, p_text, signed
from poolsweep.statistics import Difference, seeds_to_settle


def answers(comparison: Comparison) -> tuple[str, ...]:
    """The answer in a few sentences, each a line of its own, the most important first."""
    lines = (
        answer(comparison), cheapest(comparison), against_baseline(comparison), why_no_differences(comparison),
        *one_label(comparison),
    )  # fmt: skip
    return tuple(line for line in lines if line)


def answer(comparison: Comparison) -> str:
    """Who has the highest score, by how much over the baseline, and who cannot be told from it."""
    best = comparison.names[0]
    metric = f"test {METRICS[comparison.metric]}"
    score = hundredths(comparison.summaries[best].mean) + ("" if comparison.metric == "mcc" else "%")
    if len(comparison.names) == 1:
        return f"Only {best} has finished runs ({metric} {score}): there is nothing to compare it with."
    role = ", the baseline," if best == comparison.baseline else ""
    return f"{best}{role} has the highest {metric} ({score}{_over_baseline(comparison, best)}){_tie(comparison, best)}"


def _over_baseline(comparison: Comparison, best: str) -> str:
    d = comparison.difference(best, comparison.baseline) if comparison.baseline not in (None, best) else None
    if d is None:
        return ""
    points = f", {signed(d.value)} points over {comparison.baseline}"
    if math.isnan(d.low):
        return points
    chance = "" if d.differs else ", which could be chance"
    return f"{points}, 95% interval {signed(d.low)} to {signed(d.high)}{chance}, p {_equals(d.p_value)}"


def against_baseline(comparison: Comparison) -> str:
    """Which poolings differ from the baseline by more than chance; empty where that is not known."""
    known = {name: d for name, d in comparison.against.items() if not math.isnan(d.low)}
    if not known:
        return ""
    above = [name for name in comparison.names if name in known and known[name].differs and known[name].value > 0]
    below = [name for name in comparison.names if name in known and known[name].differs and known[name].value < 0]
    if not above and not below:
        return f"No pooling differs from {comparison.baseline} by more than chance."
    parts = [f"{listed(names)} {side}" for names, side in ((above, "above"), (below, "below")) if names]
    return f"Beyond chance: {' and '.join(parts)} {comparison.baseline}."


def why_no_differences(comparison: Comparison) -> str:
    """Why there are no differences to a baseline that a race has dropped; else empty."""
    for name, contender in comparison.group.contenders.items():
        if name == comparison.asked_baseline and name in comparison.raced.dropped:
            return (
                f"No differences to {name}: the race stopped it after {len(contender.runs)} seeds; "
                f"race.keep=[{name}] lets a baseline run on."
            )
    return ""


def _equals(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _tie(comparison: Comparison, best: str) -> str:
    if comparison.basis == "splits":
        return ", as a mean over splits; that says nothing of other splits."
    if comparison.basis == "one seed":
        return ", but one seed does not say what another would give."
    if best not in comparison.compared:
        return ", but nothing says whether that is more than chance."
    tied = [name for name in comparison.leading if name != best]
    others = [name for name in comparison.in_the_running if name != best and name in comparison.compared]
    basis = evidence(comparison)
    if tied and len(tied) == len(others):
        who = f"any other of the {len(others)}" if len(others) > 1 else others[0]
        return f", but {basis} do not tell it from {who}{_scope(comparison)}."
    if tied:
        return f", but {basis} do not tell it from {listed(tied)}{_scope(comparison)}."
    every = "every other pooling" if comparison.star else "every other pooling that can be compared"
    return f"; {basis} tell {every} apart from it{_scope(comparison)}."


def _scope(comparison: Comparison) -> str:
    """What a verdict does not cover, where that is less than other seeds and other texts."""
    if comparison.basis == "texts":
        return "; nothing in these runs is random, so that is about other test texts alone"
    if comparison.basis == "seeds":
        return "; without predictions that is about other seeds alone, on these test texts"
    return ""


def evidence(comparison: Comparison) -> str:
    """What a comparison rests on: "3 seeds and 1,200 test texts"."""
    judged = [name for name in comparison.compared if not _is_fixed(comparison, name)]
    counts = sorted({len(comparison.values[name]) for name in judged})
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else ""
    first = next(iter(comparison.scores.values()), None)
    texts = f"{len(first.row_ids):,} test text{'s' * (len(first.row_ids) != 1)}" if first else ""
    return " and ".join([*([f"{span} seeds"] if span else []), *([texts] if texts else [])])


def _is_fixed(comparison: Comparison, name: str) -> bool:
    return name in comparison.scores and comparison.scores[name].deterministic


def cheapest(comparison: Comparison) -> str:
    """Which of those that could be the best to take: the one with the fewest parameters, then the smallest vector."""
    if len(comparison.leading) < 2:
        return ""
    costs = {name: _cost(comparison, name) for name in comparison.leading}
    name = min(comparison.leading, key=lambda name: costs[name])  # of equals the first, whose mean is highest
    trained, dims = costs[name]
    if len(set(costs.values())) == 1:
        return f"These {len(costs)} cost the same: take {name}, whose mean is highest."
    return (
        f"Of these {len(costs)}, take {name}: it is the cheapest, with {trained:,} trained parameters and a vector of "
        f"{dims:,} numbers."
    )


def _cost(comparison: Comparison, name: str) -> tuple[int, int]:
    parameters = comparison.contender(name).any_run.facts["parameters"]
    return int(parameters["trained"]), int(parameters["pooled_size"])


def one_label(comparison: Comparison) -> list[str]:
    """Who predicts one label for every test text, though these have several."""
    found: dict[str, list[str]] = {}
    for name, by_seed in comparison.predictions.items():
        said = [(p, set(p.predicted.tolist())) for p in by_seed.values() if len(set(p.labels.tolist())) > 1]
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


def what_would_settle(comparison: Comparison, *, most: int = 5) -> list[str]:
    """For the best and each that is tied with it, the seeds or texts that would tell them apart.

    Takes the differences that were seen as the true ones, and 80% power; see
    :func:`poolsweep.statistics.seeds_to_settle`.

    Args:
        comparison: Any.
        most: Ties to speak of.
    """
    if comparison.pairwise is None or not comparison.leading:
        return []
    best, *tied = comparison.leading[: most + 1]
    return [f"{best} and {name}: {_plan(_between(comparison, best, name), comparison)}" for name in tied]


def _between(comparison: Comparison, first: str, second: str) -> Difference:
    assert comparison.pairwise is not None
    differences = comparison.pairwise.differences
    return differences[first, second] if (first, second) in differences else differences[second, first]


def _plan(result: Difference, comparison: Comparison) -> str:
    num = len(comparison.compared)
    plan = seeds_to_settle(result, comparisons=max(num * (num - 1) // 2, 1))
    effect = f"if the difference is {hundredths(plan.effect)} points"
    if plan.num_seeds is not None and plan.extra_seeds:
        return f"about {plan.num_seeds} seeds ({plan.extra_seeds} more) would tell them apart, {effect}."
    if plan.num_examples is not None and not plan.settled:
        if result.design == "deterministic":
            return f"the test set is too small: about {plan.num_examples:,} test texts would tell them apart, {effect}."
        return (
            f"no number of seeds would do, the test set is too small: about {plan.num_examples:,} test texts with "
            f"{plan.seeds_with_examples} seeds would, {effect}."
        )
    if plan.settled:
        return "apart from each other, but not once all poolings are compared at once."
    if plan.effect and comparison.basis == "seeds and texts":
        return f"no number of seeds or of test texts within reach would tell them apart, {effect}."
    return plan.sentence[0].lower() + plan.sentence[1:]

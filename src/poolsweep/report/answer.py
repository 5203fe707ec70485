"""The answer in words: one hedged sentence per comparison, and what would settle its ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import METRICS, hundredths, p_text, signed
from poolsweep.report.statistics import Difference, seeds_to_settle


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
    tested = comparison.against.get(best)
    if tested is None:
        return ""
    e = tested.estimate
    if math.isnan(e.low):
        return f", {signed(e.value)} points over {comparison.baseline}"
    interval = f"95% interval {signed(e.low)} to {signed(e.high)}"
    p_value = f"Holm p {_equals(tested.adjusted_p)}"
    count = len(comparison.against)
    among = f" among {count} comparisons" if count > 1 else ""
    chance = p_value if tested.differs else f"which could be chance{among}, {p_value}"
    return f", {signed(e.value)} points over {comparison.baseline}, {interval}, {chance}"


def against_baseline(comparison: Comparison) -> str:
    """Which poolings differ from the baseline by more than chance; empty where there is no baseline."""
    if not comparison.against:
        return ""
    above = [i.name for i in comparison.against.values() if i.differs and i.estimate.value > 0]
    below = [i.name for i in comparison.against.values() if i.differs and i.estimate.value < 0]
    if not above and not below:
        return f"No pooling differs from {comparison.baseline} by more than chance (Holm, 95%)."
    parts = [f"{listed(names)} {side}" for names, side in ((above, "above"), (below, "below")) if names]
    return f"Beyond chance (Holm, 95%): {' and '.join(parts)} {comparison.baseline}."


def _equals(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _tie(comparison: Comparison, best: str) -> str:
    if best not in comparison.compared:
        return ", but nothing says whether that is more than chance."
    tied = [name for name in comparison.leading if name != best]
    others = [name for name in comparison.compared if name != best]
    basis = evidence(comparison)
    if comparison.basis == "texts":
        basis += " (which leaves out what another seed would give)"
    if not tied:
        apart = f"{basis} tell every other pooling apart from it, at 95% jointly"
        tested = comparison.against.get(best)
        if tested is not None and not tested.differs:  # the interval is two-sided, this is not
            return f"; asked only whether any other could be better, which takes less, {apart}."
        return f"; {apart}."
    if len(tied) == len(others):
        who = f"any other of the {len(others)}" if len(others) > 1 else others[0]
        return f", but {basis} do not tell it from {who}."
    return f", but {basis} do not tell it from {listed(tied)}."


def evidence(comparison: Comparison) -> str:
    """What a comparison rests on: "3 seeds and 1,200 test texts"."""
    counts = sorted({len(comparison.values[name]) for name in comparison.compared})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    first = next(iter(comparison.scores.values()), None)
    texts = f"{len(first.row_ids):,} test texts" if first else ""
    if comparison.basis == "texts":
        return f"{texts} and one seed"
    return f"{seeds} seeds and {texts}" if texts else f"{seeds} seeds"


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
    :func:`poolsweep.report.statistics.seeds_to_settle`.

    Args:
        comparison: Any.
        most: Ties to speak of.
    """
    if comparison.pairwise is None or comparison.best is None:
        return []
    best = comparison.best.comparisons[0].name
    tied = [name for name in comparison.leading if name != best][:most]
    return [f"{best} and {name}: {_plan(_between(comparison, best, name), comparison)}" for name in tied]


def _between(comparison: Comparison, first: str, second: str) -> Difference:
    assert comparison.pairwise is not None
    differences = comparison.pairwise.differences
    return differences[first, second] if (first, second) in differences else differences[second, first]


def _plan(result: Difference, comparison: Comparison) -> str:
    plan = seeds_to_settle(result, comparisons=max(len(comparison.compared) - 1, 1))
    effect = f"if the difference is {hundredths(plan.effect)} points"
    if plan.num_seeds is not None and plan.extra_seeds:
        return f"about {plan.num_seeds} seeds ({plan.extra_seeds} more) would tell them apart, {effect}."
    if plan.num_examples is not None and not plan.settled:
        return (
            f"no number of seeds would do, the test set is too small: about {plan.num_examples:,} test texts with "
            f"{plan.seeds_with_examples} seeds would, {effect}."
        )
    if plan.settled:
        return "apart from each other, but not once all poolings are compared at once."
    if plan.effect and comparison.basis == "seeds and texts":
        return f"no number of seeds or of test texts within reach would tell them apart, {effect}."
    return plan.sentence[0].lower() + plan.sentence[1:]

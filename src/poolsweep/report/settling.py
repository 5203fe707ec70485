"""What would settle a tie: how many more seeds, or texts."""

from __future__ import annotations

from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import points, shown
from poolsweep.statistics import Difference, seeds_to_settle


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
    return [f"{best} and {name}: {_sample_size(_between(comparison, best, name), comparison)}" for name in tied]


def _between(comparison: Comparison, first: str, second: str) -> Difference:
    assert comparison.pairwise is not None
    differences = comparison.pairwise.differences
    return differences[first, second] if (first, second) in differences else differences[second, first]


def _sample_size(result: Difference, comparison: Comparison) -> str:
    num = len(comparison.compared)
    needed = seeds_to_settle(result, comparisons=max(num * (num - 1) // 2, 1))
    metric = comparison.metric
    effect = f"if the difference is {shown(needed.effect, metric)}{points(metric)}"
    if needed.num_seeds is not None and not needed.settled:
        return f"about {needed.num_seeds} seeds ({needed.extra_seeds} more) would tell them apart, {effect}."
    if needed.num_examples is not None and not needed.settled:
        if result.design == "deterministic":
            return (
                f"the test set is too small: about {needed.num_examples:,} test texts would tell them apart, {effect}."
            )
        return (
            f"no number of seeds would do, the test set is too small: about {needed.num_examples:,} test texts with "
            f"{needed.seeds_with_examples} seeds would, {effect}."
        )
    if needed.settled:
        return "they differ as a pair, but not once all pairs are compared at once."
    return needed.obstacle[0].lower() + needed.obstacle[1:]

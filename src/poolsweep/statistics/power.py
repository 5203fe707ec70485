"""Statistical power: how many more seeds, or test examples, would settle a tie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from poolsweep.statistics.components import VarianceComponents, lowered_df
from poolsweep.statistics.difference import Difference
from poolsweep.statistics.estimate import MAX_DF

MAX_SEEDS = 1000
MAX_EXAMPLES = 10_000_000


@dataclass(frozen=True)
class SampleSize:
    """What would show a difference of ``effect``.

    ``num_seeds`` is the total with the present test set, None where no number of seeds would do (or more than 1,000);
    ``num_examples`` is then the total of test examples, with ``seeds_with_examples`` seeds, that would. ``extra_seeds``
    is what is still to run. ``obstacle`` says why nothing would do; empty where something does.
    """

    settled: bool
    effect: float
    num_seeds: int | None
    extra_seeds: int | None
    num_examples: int | None
    seeds_with_examples: int | None
    obstacle: str = ""


def seeds_to_settle(result: Difference, *, power: float = 0.8, comparisons: int = 1) -> SampleSize:
    """The number of seeds at which the interval would leave out zero with probability ``power``.

    Takes the difference that was seen (optimistic after a tie) and the estimated components as the truth, and looks for
    the smallest S with

        (t(S; 1 − α/2m) + t(S; power)) · √(σ²_A/S + σ²_B/N + σ²_E/(SN)) ≤ effect,

    Satterthwaite degrees of freedom at each S. The example part σ²_B/N does not shrink with seeds: if it alone is too
    large, the test set is too small, and the number of examples is sought instead, with the seeds there are if that can
    do and twice as many (and so on) if not.

    Args:
        result: A difference of one of the crossed designs.
        power: Probability of settling it.
        comparisons: Number of comparisons m to allow for.

    Raises:
        ValueError: If ``power`` is not between 0 and 1, or ``comparisons`` is below 1.

    Reference:
        Westfall, Kenny, Judd (2014), "Statistical power and optimal design in experiments in which samples of
        participants respond to samples of stimuli". Differs: central t for both terms.

    Example:
        >>> from poolsweep.statistics.difference import Difference
        >>> from poolsweep.statistics.estimate import t_estimate
        >>> components = VarianceComponents(seed=1e-4, example=0.01, residual=0.05)
        >>> tie = Difference(t_estimate(0.01, 6e-5, 5), "crossed", components, 5, 1000)
        >>> seeds_to_settle(tie).num_seeds
        56
    """
    if not 0 < power < 1 or comparisons < 1:
        raise ValueError(f"power must lie between 0 and 1 and comparisons be at least 1, got {power} and {comparisons}")
    effect = abs(result.estimate.value)
    alpha = (1 - result.estimate.level) / comparisons
    if result.estimate.p_value < alpha:
        return SampleSize(True, effect, result.num_seeds, 0, result.num_examples, result.num_seeds)
    obstacle = _obstacle(result, effect)
    if obstacle:
        return SampleSize(False, effect, None, None, None, None, obstacle)
    return _search(result, effect, alpha, power)


def _obstacle(result: Difference, effect: float) -> str:
    if effect == 0:
        return "The two score the same: there is no difference to settle."
    if result.design == "unknown":
        what = "seed" if result.num_seeds == 1 else "test example"
        return f"One {what} tells nothing of others: add at least two more."
    if "splits" in result.design:
        return "Over several splits it is not said how many more would settle it."
    return ""


def _search(result: Difference, effect: float, alpha: float, power: float) -> SampleSize:
    components, num_examples = _planning_components(result)
    have = result.num_seeds
    candidates = np.arange(max(have, 2), MAX_SEEDS + 1)
    enough = _detectable(components, candidates, num_examples, alpha, power) <= effect
    if enough.any() and result.design != "deterministic":
        needed = int(candidates[enough.argmax()])
        return SampleSize(False, effect, needed, needed - have, None, None)
    if result.design == "nested":
        obstacle = "No number of seeds would settle it: the splits share their training rows."
        return SampleSize(False, effect, None, None, None, None, obstacle)
    seeds = max(have, 2)
    while seeds <= MAX_SEEDS:
        examples = _examples_needed(components, seeds, num_examples, effect, alpha, power)
        if examples is not None:
            return SampleSize(False, effect, None, None, examples, seeds)
        seeds *= 2
    obstacle = "No number of seeds or of test texts within reach would settle it."
    return SampleSize(False, effect, None, None, None, None, obstacle)


def _planning_components(result: Difference) -> tuple[VarianceComponents, int]:
    """Splits that overlap have a part that seeds do not shrink, which takes the place of the examples."""
    if result.design != "nested":
        return result.components, result.num_examples
    spread = result.components.seed
    floor = max(result.estimate.standard_error**2 - spread / result.num_seeds, 0.0)
    return VarianceComponents(spread, floor if floor > 1e-9 * spread else 0.0, 0.0), 1


def _examples_needed(
    components: VarianceComponents, num_seeds: int, start: int, effect: float, alpha: float, power: float
) -> int | None:
    def enough(num_examples: int) -> bool:
        return bool(_detectable(components, np.array([num_seeds]), num_examples, alpha, power)[0] <= effect)

    low, high = start, start
    while not enough(high):
        low, high = high, 2 * high
        if high > MAX_EXAMPLES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _detectable(
    components: VarianceComponents, num_seeds: NDArray[np.int_], num_examples: int, alpha: float, power: float
) -> NDArray[np.float64]:
    """The smallest difference found with probability ``power``, for each number of seeds, (len(num_seeds),)."""
    residual = components.residual
    seeds = np.full(len(num_seeds), residual + num_examples * components.seed)
    examples = residual + num_seeds * components.example
    total = seeds + examples - residual
    spread = seeds**2 / (num_seeds - 1)
    if num_examples > 1:
        spread = spread + examples**2 / (num_examples - 1) + residual**2 / ((num_seeds - 1) * (num_examples - 1))
    ratio = np.divide(total**2, spread, out=np.full(len(num_seeds), MAX_DF), where=spread > 0)
    df = np.array([lowered_df(*row) for row in zip(ratio.clip(1, MAX_DF), total, seeds, num_seeds - 1, strict=True)])
    return (stdtrit(df, 1 - alpha / 2) + stdtrit(df, power)) * np.sqrt(total / (num_seeds * num_examples))

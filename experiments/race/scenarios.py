"""Made-up studies with a known best: scores of contenders, seeds and texts, on a validation and a test split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEADER = 0.9  # accuracy of the best


@dataclass(frozen=True)
class Scenario:
    """What the truth is.

    Attributes:
        name: In tables.
        gaps: Each contender's true accuracy below that of the best, in points.
        seed_sd: Standard deviation over seeds of each contender's true accuracy, in points.
        collapse: Probability that a run of a contender collapses, losing 30 points; its gap includes what that costs.
    """

    name: str
    gaps: tuple[float, ...]
    seed_sd: tuple[float, ...]
    collapse: tuple[float, ...] = ()


def draw(
    scenario: Scenario, *, num_seeds: int, rows: tuple[int, int], random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right or wrong, for every contender, seed and text of both splits.

    A contender is right about a text if a normal score, made of the text's ease, the contender's way with that text,
    and the run's, lies below a threshold that gives its accuracy with that seed; so texts are shared, and answers of
    two contenders, and of two runs of one contender, agree more often than by chance. The seed moves both splits alike.

    Shape:
        returns (K, S, N validation) and (K, S, N test).
    """
    from scipy.special import ndtri

    num = len(scenario.gaps)
    spread = np.array(scenario.seed_sd)[:, None] * random.standard_normal((num, num_seeds))
    accuracy = LEADER - (np.array(scenario.gaps)[:, None] + spread) / 100
    if scenario.collapse:
        chance = np.array(scenario.collapse)[:, None]
        accuracy = accuracy + 0.3 * chance - 0.3 * (random.random((num, num_seeds)) < chance)
    threshold = ndtri(accuracy.clip(0.02, 0.995))
    found = []
    for size in rows:
        text = random.standard_normal(size)
        contender = random.standard_normal((num, 1, size))
        run = random.standard_normal((num, num_seeds, size))
        score = np.sqrt(0.6) * text + np.sqrt(0.2) * contender + np.sqrt(0.2) * run
        found.append((score < threshold[:, :, None]).astype(float))
    return found[0], found[1]


def _even(num: int, value: float) -> tuple[float, ...]:
    return (value,) * num


SCENARIOS = (
    Scenario("all equal, seeds 0.5", _even(12, 0.0), _even(12, 0.5)),
    Scenario("all equal, seeds 2", _even(12, 0.0), _even(12, 2.0)),
    Scenario("best is four times as unsteady", _even(12, 0.0), (4.0, *_even(11, 1.0))),
    Scenario("half unsteady, the best too", _even(12, 0.0), (*_even(6, 3.0), *_even(6, 0.5))),
    Scenario("best collapses in one run of ten", _even(12, 0.0), _even(12, 0.7), (0.1, *_even(11, 0.0))),
    Scenario("best by 1, others equal", (0.0, *_even(11, 1.0)), _even(12, 1.0)),
    Scenario("three lead, three near, six far", (0, 0, 0, 2, 3, 4, 8, 10, 12, 15, 18, 20), _even(12, 0.8)),
    Scenario("a ladder of points", tuple(float(i) for i in range(12)), _even(12, 0.8)),
)

"""Does a race keep the best, and does it end with the leading set of the full grid? On studies whose truth is known.

python experiments/race/simulate.py experiments/race/simulation.csv --studies 100
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scenarios import SCENARIOS, Scenario, draw

from poolsweep.statistics import Scores, critical, pairwise_differences, simultaneous
from poolsweep.sweep.race.analysis import analysis_level, not_best

critical.NUM_POINTS = 2**11  # quantiles to 0.02, in a fraction of the time
SEEDS, MIN_SEEDS, LEVEL, VERDICT = 5, 2, 0.995, 0.95
COLUMNS = (
    "scenario", "validation_rows", "test_rows", "studies", "best_not_dropped", "race_leads_with_best",
    "grid_leads_with_best", "same_leading_set", "race_within_grid", "grid_within_race", "grid_size", "race_size",
    "runs_saved",
)  # fmt: skip


def by_seeds(table: NDArray[np.float64], had: dict[int, int]) -> dict[str, Scores]:
    """Scores of some contenders, each on its first seeds."""
    rows = np.arange(table.shape[2])
    return {str(i): Scores(table[i, :num], seeds=tuple(range(num)), row_ids=rows) for i, num in had.items()}


def leading(table: NDArray[np.float64], had: dict[int, int], *, among: list[int]) -> set[int]:
    """The report's leading set; ``had`` tells the seeds of each contender."""
    family = simultaneous(pairwise_differences(by_seeds(table, had)), level=VERDICT)
    return {int(name) for name in family.leading([str(i) for i in among])}


def race(validation: NDArray[np.float64]) -> tuple[dict[int, int], list[int]]:
    """A race as ``sweep=race`` runs it, on scores instead of run folders; gives the seeds of each, and who is left."""
    left = list(range(len(validation)))
    had = dict.fromkeys(left, MIN_SEEDS)
    for done in range(MIN_SEEDS, SEEDS):
        scores = by_seeds(validation, dict.fromkeys(left, done))
        out = not_best(scores, level=analysis_level(done - MIN_SEEDS + 1, level=LEVEL))
        left = [i for i in left if str(i) not in out]
        if len(left) == 1:
            break
        had |= dict.fromkeys(left, done + 1)
    return had, left


def study(scenario: Scenario, rows: tuple[int, int], random: np.random.Generator) -> dict[str, float]:
    """One made-up study, raced and run in full."""
    validation, test = draw(scenario, num_seeds=SEEDS, rows=rows, random=random)
    full = dict.fromkeys(range(len(test)), SEEDS)
    grid = leading(test, full, among=list(full))
    had, left = race(validation)
    raced = leading(test, had, among=left)
    return {
        "best_not_dropped": 0 in left, "race_leads_with_best": 0 in raced, "grid_leads_with_best": 0 in grid,
        "same_leading_set": raced == grid, "race_within_grid": raced <= grid, "grid_within_race": grid <= raced,
        "grid_size": len(grid), "race_size": len(raced), "runs_saved": 1 - sum(had.values()) / (len(had) * SEEDS),
    }  # fmt: skip


def main() -> None:
    """Simulate every scenario and write one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--studies", type=int, default=100, help="per scenario")
    parser.add_argument("--rows", type=int, nargs=2, default=(545, 500), help="of validation and test")
    given = parser.parse_args()
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for number, scenario in enumerate(SCENARIOS):
            random = np.random.default_rng([number, *given.rows])
            found = [study(scenario, tuple(given.rows), random) for _ in range(given.studies)]
            means = {key: f"{np.mean([one[key] for one in found]):.4f}" for key in found[0]}
            where = {"validation_rows": given.rows[0], "test_rows": given.rows[1], "studies": given.studies}
            writer.writerow({"scenario": scenario.name, **where, **means})
            file.flush()
            print(scenario.name, means, flush=True)


if __name__ == "__main__":
    main()

"""Does a race keep the best, and does it end with the leading set of the full grid? On studies whose truth is known.

python experiments/race/simulate.py experiments/race/simulation.csv --studies 1000
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scenarios import SCENARIOS, Scenario, draw

from poolsweep.report.statistics import Scores, compare_with_best, critical, pairwise_differences
from poolsweep.sweep.race.rule import hopeless, look_level

critical.NUM_POINTS = 2**12  # quantiles to 0.02, in a fraction of the time
SEEDS, MIN_SEEDS, LEVEL, VERDICT = 5, 2, 0.995, 0.95
COLUMNS = (
    "scenario", "validation_rows", "test_rows", "studies", "looks_keep_best", "race_leads_with_best",
    "grid_leads_with_best", "same_leading_set", "race_within_grid", "grid_size", "race_size", "runs_saved",
)  # fmt: skip


def scores(table: NDArray[np.float64], names: list[int], num_seeds: int) -> dict[str, Scores]:
    """Of some contenders on the first seeds."""
    seeds, rows = tuple(range(num_seeds)), np.arange(table.shape[2])
    return {str(i): Scores(table[i, :num_seeds], seeds=seeds, row_ids=rows) for i in names}


def leading(table: NDArray[np.float64], had: dict[int, int], *, among: list[int], level: float) -> set[int]:
    """The report's leading set; ``had`` tells the seeds of each contender."""
    read = {name: one for i, seeds in had.items() for name, one in scores(table, [i], seeds).items()}
    verdict = compare_with_best(pairwise_differences(read), level=level, among=[str(i) for i in among])
    return {int(name) for name in verdict.leading}


def race(validation: NDArray[np.float64]) -> tuple[list[int], dict[int, int]]:
    """Who is left, and how many seeds each has had."""
    left = list(range(len(validation)))
    had = dict.fromkeys(left, MIN_SEEDS)
    for done in range(MIN_SEEDS, SEEDS):
        out = hopeless(scores(validation, left, done), level=look_level(done - MIN_SEEDS + 1, level=LEVEL))
        left = [i for i in left if str(i) not in out]
        if len(left) == 1:
            break
        had |= dict.fromkeys(left, done + 1)
    return left, had


def study(scenario: Scenario, rows: tuple[int, int], random: np.random.Generator) -> dict[str, float]:
    """One made-up study, raced and run in full."""
    validation, test = draw(scenario, num_seeds=SEEDS, rows=rows, random=random)
    everyone = list(range(len(test)))
    grid = leading(test, dict.fromkeys(everyone, SEEDS), among=everyone, level=VERDICT)
    left, had = race(validation)
    level = VERDICT + (1 - LEVEL if len(left) < len(everyone) else 0)
    raced = leading(test, had, among=left, level=level)
    return {
        "looks_keep_best": 0 in left, "race_leads_with_best": 0 in raced, "grid_leads_with_best": 0 in grid,
        "same_leading_set": raced == grid, "race_within_grid": raced <= grid, "grid_size": len(grid),
        "race_size": len(raced), "runs_saved": 1 - sum(had.values()) / (len(everyone) * SEEDS),
    }  # fmt: skip


def main() -> None:
    """Simulate every scenario and write one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--studies", type=int, default=1000, help="per scenario")
    parser.add_argument("--rows", type=int, nargs=2, default=(545, 500), help="of validation and test")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of scenarios, from 0; appends to the file")
    given = parser.parse_args()
    chosen = given.only if given.only is not None else range(len(SCENARIOS))
    append = given.only is not None and given.out.exists()
    with given.out.open("a" if append else "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not append:
            writer.writeheader()
        for number in chosen:
            random = np.random.default_rng([number, *given.rows])
            found = [study(SCENARIOS[number], tuple(given.rows), random) for _ in range(given.studies)]
            means = {key: f"{np.mean([one[key] for one in found]):.4f}" for key in found[0]}
            where = {"validation_rows": given.rows[0], "test_rows": given.rows[1], "studies": given.studies}
            writer.writerow({"scenario": SCENARIOS[number].name, **where, **means})
            file.flush()
            print(SCENARIOS[number].name, means, flush=True)


if __name__ == "__main__":
    main()

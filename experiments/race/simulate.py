"""Does a race keep the best, and does it end with the leading set of the full grid? On studies whose truth is known.

python experiments/race/simulate.py experiments/race/simulation.csv --studies 1000
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scenarios import SCENARIOS, Scenario, draw

from poolsweep.statistics import Scores, critical, pairwise_differences, simultaneous
from poolsweep.statistics.levels import look_level, verdict_level
from poolsweep.sweep.race import forecast as forecasting
from poolsweep.sweep.race.rest import now_resting, with_rivals
from poolsweep.sweep.race.rule import hopeless

critical.NUM_POINTS = 2**11  # quantiles to 0.02, in a fraction of the time
forecasting.NUM_DRAWS = 250
SEEDS, MIN_SEEDS, LEVEL, VERDICT = 5, 2, 0.995, 0.95
COLUMNS = (
    "scenario", "validation_rows", "test_rows", "certainty", "studies", "looks_keep_best", "race_leads_with_best",
    "grid_leads_with_best", "same_leading_set", "race_within_grid", "grid_within_race", "grid_size", "race_size",
    "runs_saved", "rests", "rests_mistaken", "taken_up_again",
)  # fmt: skip


@dataclass(frozen=True)
class Raced:
    """How a race ended.

    Attributes:
        had: Seeds of each contender.
        whole: Those that were neither dropped nor rest.
        resting: Those that rest, with their verdict.
        again: How often one was taken up again.
    """

    had: dict[int, int]
    whole: list[int]
    resting: dict[int, bool]
    again: int


def scores(table: NDArray[np.float64], names: list[int], num_seeds: int) -> dict[str, Scores]:
    """Of some contenders on the first seeds."""
    seeds, rows = tuple(range(num_seeds)), np.arange(table.shape[2])
    return {str(i): Scores(table[i, :num_seeds], seeds=seeds, row_ids=rows) for i in names}


def leading(table: NDArray[np.float64], had: dict[int, int], *, among: list[int], level: float) -> set[int]:
    """The report's leading set; ``had`` tells the seeds of each contender."""
    if not among:
        return set()
    family = simultaneous(pairwise_differences(by_seeds(table, had)), level=level)
    return {int(name) for name in family.leading([str(i) for i in among])}


def by_seeds(table: NDArray[np.float64], had: dict[int, int]) -> dict[str, Scores]:
    """Of all contenders, each on its own seeds."""
    return {name: one for i, seeds in had.items() for name, one in scores(table, [i], seeds).items()}


def race(validation: NDArray[np.float64], test: NDArray[np.float64], *, certainty: float) -> Raced:
    """A race as ``poolsweep.sweep.race.course`` runs it, on scores instead of run folders."""
    left = list(range(len(validation)))
    had, resting, again = dict.fromkeys(left, MIN_SEEDS), dict[int, bool](), 0
    level = verdict_level(VERDICT, spent=1 - LEVEL, certainty=certainty)
    for done in range(MIN_SEEDS, SEEDS):
        running = [i for i in left if had[i] == done]
        out = hopeless(scores(validation, running, done), level=look_level(done - MIN_SEEDS + 1, level=LEVEL))
        left = [i for i in left if str(i) not in out]
        if len(left) == 1:
            return Raced(had, left, {}, again)
        table = by_seeds(test, had)
        found = forecasting.forecast(table, left=[str(i) for i in left], planned=SEEDS, level=level)
        before = {str(i): tied for i, tied in resting.items() if i in left}
        settled = now_resting(found, resting=before, certainty=certainty) if certainty < 1 else {}
        again += len(before.keys() - settled.keys())
        means = {name: one.mean for name, one in table.items()}
        waiting = [str(i) for i in left if str(i) not in settled]
        on = with_rivals(waiting, forecasts=found, means=means, certainty=certainty)
        resting = {int(name): tied for name, tied in settled.items() if name not in on}
        had |= dict.fromkeys(map(int, on), done + 1)
        if not on:
            break
    return Raced(had, [i for i in left if i not in resting], resting, again)


def study(
    scenario: Scenario, rows: tuple[int, int], random: np.random.Generator, *, certainty: float
) -> dict[str, float]:
    """One made-up study, raced and run in full."""
    validation, test = draw(scenario, num_seeds=SEEDS, rows=rows, random=random)
    everyone = list(range(len(test)))
    full = dict.fromkeys(everyone, SEEDS)
    grid = leading(test, full, among=everyone, level=VERDICT)
    end = race(validation, test, certainty=certainty)
    level = verdict_level(VERDICT, spent=1 - LEVEL, certainty=certainty) if end.had != full else VERDICT
    tied = {i for i, verdict in end.resting.items() if verdict}
    raced = leading(test, end.had, among=end.whole, level=level) | tied
    at_race_level = leading(test, full, among=everyone, level=level) if end.resting else set()
    return {
        "looks_keep_best": 0 in {*end.whole, *tied}, "race_leads_with_best": 0 in raced,
        "grid_leads_with_best": 0 in grid, "same_leading_set": raced == grid, "race_within_grid": raced <= grid,
        "grid_within_race": grid <= raced, "grid_size": len(grid), "race_size": len(raced),
        "runs_saved": 1 - sum(end.had.values()) / (len(everyone) * SEEDS), "rests": len(end.resting),
        "rests_mistaken": sum((i in at_race_level) != verdict for i, verdict in end.resting.items()),
        "taken_up_again": end.again,
    }  # fmt: skip


def main() -> None:
    """Simulate every scenario and write one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--studies", type=int, default=1000, help="per scenario")
    parser.add_argument("--rows", type=int, nargs=2, default=(545, 500), help="of validation and test")
    parser.add_argument("--certainty", type=float, default=0.8, help="with which a verdict is settled; 1: none is")
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
            found = [
                study(SCENARIOS[number], tuple(given.rows), random, certainty=given.certainty)
                for _ in range(given.studies)
            ]
            means = {key: f"{np.mean([one[key] for one in found]):.4f}" for key in found[0]}
            where = {"validation_rows": given.rows[0], "test_rows": given.rows[1]}
            where |= {"certainty": given.certainty, "studies": given.studies}
            writer.writerow({"scenario": SCENARIOS[number].name, **where, **means})
            file.flush()
            print(SCENARIOS[number].name, means, flush=True)


if __name__ == "__main__":
    main()

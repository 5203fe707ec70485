"""Reads the runs of the atlas and writes its tables; no text of any data set is in them.

    python experiments/atlas/collect.py [OUTPUTS]

| file in results/ | a line |
|---|---|
| scores.csv | a contender: its mean, the interval over replicates, whether it could be the best |
| differences.csv | a contender minus cls, masked_mean or last4_concat; the interval of this pair, the adjusted p |
| winners.csv | a data set divided in one way, by one metric: who wins, and on how many splits (winners.py) |
| lengths.csv | a data set, a contender and a range of lengths: how many texts are right (lengths.py) |
| time.csv | a study: its runs, wall time and CPU time |

Numbers are in points (× 100), the statistics those of `poolsweep report`. A study counts once all planned runs have
finished and its contenders have two replicates, or nothing random. What is left for later is said. Lines of studies
whose runs are not in OUTPUTS stay as they are: of an earlier sitting, or another machine.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import lengths
import winners
from parts import steps
from sets import HERE

from poolsweep.metric_names import direction
from poolsweep.report.comparison import Comparison
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.runs.plan import read_plan

RESULTS = HERE / "results"
AGAINST = ("cls", "masked_mean", "last4_concat")
ALSO = {"E": ("f1_macro", "mcc")}
SCORES = (
    "part", "study", "data", "rows", "metric", "contender", "regime", "replicates", "basis", "mean", "low", "high",
    "tied",
)  # fmt: skip
DIFFERENCES = (
    "part", "study", "data", "rows", "metric", "contender", "other", "value", "low", "high", "adjusted_p", "replicates",
)  # fmt: skip
TIME = ("part", "study", "runs", "wall_seconds", "cpu_seconds")


def comparisons(outputs: Path) -> Iterator[tuple[str, str, Comparison]]:
    """Part, study and comparison of each study whose planned runs have all finished."""
    seen = set()
    for step in steps():
        folder = outputs / step.study
        if step.study in seen or not folder.is_dir():
            continue
        seen.add(step.study)
        runs = load_runs([folder])
        if missing := read_plan(folder).keys() - {run.path.name for run in runs if run.finished}:
            print(f"left for later, {len(missing)} runs are missing: {step.study}")
            continue
        first = step.data.metric if step.data else "accuracy"
        for metric in (first, *ALSO.get(step.part, ())):
            for found in compare_all(runs, metric=metric):
                if found.pairwise is None:
                    print(f"left for later, too few replicates: {step.study}, {found.group.arena.rows}")
                else:
                    yield step.part, step.study, found


def scores(part: str, study: str, found: Comparison) -> Iterator[tuple[object, ...]]:
    """A line for each contender."""
    for name in found.names:
        score, contender = found.summaries[name], found.contender(name)
        numbers = (_points(score.mean, found), _points(score.low, found), _points(score.high, found))
        tied = "yes" if name in found.leading else "no"
        told = (name, contender.key.regime, len(found.values[name]), found.basis)
        yield (*_about(part, study, found), *told, *numbers, tied)


def differences(part: str, study: str, found: Comparison) -> Iterator[tuple[object, ...]]:
    """A line for each contender against those of AGAINST, with the interval of the pair alone."""
    assert found.pairwise
    assert found.family
    for other in AGAINST:
        for name in found.compared:
            if other not in found.compared or name == other or (name in AGAINST[: AGAINST.index(other)]):
                continue
            alone, family = _between(found, name, other), found.family.between(name, other)
            turned = direction(found.metric) == "min"
            ends = (-alone[0], -alone[2], -alone[1]) if turned else alone
            numbers = [_points(end, found) for end in ends]
            told = (f"{family.p_value:.4f}", len(found.values[name]))
            yield (*_about(part, study, found), name, other, *numbers, *told)


def _between(found: Comparison, name: str, other: str) -> tuple[float, float, float]:
    """One minus the other: value, and ends of the interval that holds for this pair alone."""
    pairs = found.pairwise.differences
    if (name, other) in pairs:
        estimate = pairs[name, other].estimate
        return estimate.value, estimate.low, estimate.high
    estimate = pairs[other, name].estimate
    return -estimate.value, -estimate.high, -estimate.low


def _about(part: str, study: str, found: Comparison) -> tuple[object, ...]:
    arena = found.group.arena
    return part, study, arena.data, arena.rows.train_rows or "all", found.metric


def _points(value: float, found: Comparison) -> str:
    return "" if value != value else f"{100 * value:z.3f}"


def times(outputs: Path) -> Iterator[tuple[object, ...]]:
    """A line for each study in OUTPUTS: the sum of its commands."""
    with (outputs / "atlas-time.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    for part, study in dict.fromkeys((line["part"], line["study"]) for line in lines):
        own = [line for line in lines if line["study"] == study]
        wall, cpu = (round(sum(float(line[key]) for line in own), 1) for key in TIME[3:])
        yield part, study, sum(int(line["runs"]) for line in own), wall, cpu


def merge(name: str, columns: Sequence[str], lines: Iterable[Sequence[object]], *, key: str = "study") -> None:
    """Write a table into results/, keeping the lines of what is not measured anew."""
    place = columns.index(key)
    made = [tuple(map(str, line)) for line in lines]
    measured = {line[place] for line in made}
    write(name, columns, [*(tuple(one.values()) for one in read(name) if one[key] not in measured), *made])


def write(name: str, columns: Iterable[str], lines: Iterable[Iterable[object]]) -> None:
    """Write a table into results/."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)


def read(name: str) -> list[dict[str, str]]:
    """The lines of a table in results/; none where there is none."""
    if not (RESULTS / name).is_file():
        return []
    with (RESULTS / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def collect(outputs: Path) -> None:
    """Write all tables."""
    found = list(comparisons(outputs))
    merge("scores.csv", SCORES, (line for one in found for line in scores(*one)))
    merge("differences.csv", DIFFERENCES, (line for one in found for line in differences(*one)))
    merge("winners.csv", winners.HEAD, (winners.winner(study, one) for part, study, one in found if part == "E"))
    measured = (line for part, _, one in found if part == "A" for line in lengths.lengths(one))
    merge("lengths.csv", lengths.HEAD, measured, key="data")
    done = {study for _, study, _ in found}
    merge("time.csv", TIME, (line for line in times(outputs) if line[1] in done))


if __name__ == "__main__":
    collect(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("POOLSWEEP_OUTPUTS", "outputs")))

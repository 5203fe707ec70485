"""Cost, and what gives the most for it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from poolsweep.report.cautions import cautions
from poolsweep.report.charts.cost import costs, pareto_front
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.report.run_notes import load_note


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_what_nothing_dominates(seed: int):
    chance = np.random.default_rng(seed)
    names = [str(i) for i in range(12)]
    cost = {name: float(chance.integers(1, 8)) for name in names}
    score = {name: float(chance.integers(1, 100)) for name in names}
    assert len(set(score.values())) > 8, "premise: scores differ"

    def place(name: str) -> tuple[float, float]:
        return cost[name], -score[name]

    def dominated(name: str) -> bool:
        return any(
            all(a <= b for a, b in zip(place(o), place(name), strict=True)) and place(o) != place(name) for o in names
        )

    front = pareto_front(cost, score)
    assert {place(n) for n in front} == {place(n) for n in names if not dominated(n)}
    assert all(cost[a] < cost[b] and score[a] < score[b] for a, b in itertools.pairwise(front))


def test_kinds_are_those_that_were_measured(make_study):
    [comparison] = compare_all(load_runs([make_study()]))
    found = {cost.name: cost for cost in costs(comparison)}
    assert list(found) == ["seconds per run", "peak memory, MiB", "size of the pooled vector"]
    assert set(found["seconds per run"].values.values()) == {3.0}  # the median of 2, 3, 4
    assert found["peak memory, MiB"].values["cls"] == 303.0


def test_gpu_memory_takes_the_place_of_the_process(make_study):
    study = make_study(peak_memory_mib={"process": 500.0, "gpu": 100.0})
    [comparison] = compare_all(load_runs([study]))
    assert [c.name for c in costs(comparison)][1:] == ["peak GPU memory, MiB", "size of the pooled vector"]


def test_seconds_of_a_busy_machine_are_cautioned_and_give_way_to_cpu_seconds(make_study):
    [comparison] = compare_all(load_runs([make_study(cpu_seconds=0.5)]))
    note = load_note(comparison)
    assert note is not None
    assert note.startswith("Seconds a run are of a machine that was busy: ")
    assert "took 3.0 s for 0.5 s of CPU" in note
    assert costs(comparison)[0].name == "CPU seconds per run"
    assert set(costs(comparison)[0].values.values()) == {0.5}
    assert (False, note) in cautions(comparison)


@pytest.mark.parametrize("recorded", [{"cpu_seconds": 2.5}, {}], ids=["it had its cores", "nothing is recorded"])
def test_seconds_stand_where_nothing_says_that_a_run_waited(make_study, recorded: dict[str, float]):
    [comparison] = compare_all(load_runs([make_study(**recorded)]))
    assert load_note(comparison) is None

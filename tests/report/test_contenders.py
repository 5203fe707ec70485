"""Who competes, and with which runs."""

from __future__ import annotations

import math
from pathlib import Path

from poolsweep.report.contenders import group_runs
from poolsweep.report.results import RunRecord


def run(pooling: str, seed: int, *, test: float | None = 0.5, val: float = 0.5, run_id: str = "", **more) -> RunRecord:
    metrics = {"val/accuracy": val} | ({} if test is None else {"test/accuracy": test})
    facts = {"status": "finished", "data": "d", "encoder": "e", "pooling": pooling, "seed": seed, "setting": "v",
             "monitor": "val/accuracy", "mode": "max", "metrics": metrics, "seconds": 1.0} | more  # fmt: skip
    return RunRecord(Path("nowhere") / (run_id or f"{pooling}-{seed}-{facts['setting']}"), facts)


def test_groups_are_data_sets_and_encoders_in_order():
    runs = [run("cls", 0, data="z"), run("cls", 0, data="a"), run("cls", 0, data="a", encoder="b")]
    assert [(g.data, g.encoder) for g in group_runs(runs, metric="test/accuracy")] == [
        ("a", "b"),
        ("a", "e"),
        ("z", "e"),
    ]


def test_the_setting_with_most_seeds_wins_before_the_best_on_validation():
    runs = [run("cls", seed, val=0.5, setting="whole") for seed in (0, 1, 2)]
    runs += [run("cls", seed, val=0.9, setting="begun") for seed in (0, 1)]
    [group] = group_runs(runs, metric="test/accuracy")
    assert sorted(group.contenders["cls"].runs) == [0, 1, 2]
    assert group.contenders["cls"].settings == 2


def test_failed_runs_of_the_chosen_setting_are_kept_apart():
    runs = [run("cls", 0), run("cls", 1, status="failed"), run("cls", 2, test=None), run("cls", 3, setting="other")]
    runs += [run("max", 0, status="failed")]
    [group] = group_runs(runs, metric="test/accuracy")
    contender = group.contenders["cls"]
    assert list(contender.runs) == [0]
    assert [r.facts["seed"] for r in contender.failed] == [1, 2]
    assert list(group.contenders) == ["cls"]
    assert [r.facts["pooling"] for r in group.without_result] == ["max"]


def test_a_pooling_whose_runs_a_search_ended_has_not_failed():
    [group] = group_runs([run("cls", 0), run("max", 0, status="pruned")], metric="test/accuracy")
    assert list(group.contenders) == ["cls"]
    assert not group.without_result


def test_runs_that_share_a_seed_are_numbered_by_their_other_seeds(tmp_path):
    runs = []
    for init in (5, 3):
        for pooling in ("cls", "max"):
            folder = tmp_path / f"{pooling}-{init}"
            folder.mkdir()
            (folder / "config.yaml").write_text(f"init_seed: {init}\ndata_seed: 0\n")
            runs.append(RunRecord(folder, run(pooling, 0, test=init / 10).facts))
    [group] = group_runs(runs, metric="test/accuracy")
    for contender in group.contenders.values():
        assert {seed: one.metric("test/accuracy") for seed, one in contender.runs.items()} == {0: 0.3, 1: 0.5}


def test_runs_on_files_that_were_replaced_are_left_out_of_every_contender():
    runs = [run("cls", 0), run("cls", 1, outdated="data"), run("max", 0, outdated="data", status="failed")]
    [group] = group_runs(runs, metric="test/accuracy")
    assert list(group.contenders) == ["cls"]
    assert list(group.contenders["cls"].runs) == [0]
    assert [one.facts["seed"] for one in group.outdated] == [1], "a failed run has no result to leave out"


def test_typical_is_the_median_of_what_was_recorded():
    runs = [run("cls", seed, seconds=seconds, peak_memory_mib={"process": 10 * seconds})
            for seed, seconds in enumerate((1.0, 9.0, 2.0))]  # fmt: skip
    [group] = group_runs(runs, metric="test/accuracy")
    contender = group.contenders["cls"]
    assert contender.typical("seconds") == 2.0
    assert contender.typical("peak_memory_mib", "process") == 20.0
    assert math.isnan(contender.typical("peak_memory_mib", "gpu"))
    assert contender.any_run.facts["pooling"] == "cls"

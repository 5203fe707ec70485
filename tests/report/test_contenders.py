"""Who competes, and with which runs."""

from __future__ import annotations

import math
from pathlib import Path

from poolsweep.report.contenders import Contender, group_runs, leads
from poolsweep.report.results import RunRecord


def run(pooling: str, seed: int, *, test: float | None = 0.5, val: float = 0.5, run_id: str = "", **more) -> RunRecord:
    metrics = {"val/accuracy": val} | ({} if test is None else {"test/accuracy": test})
    facts = {"status": "finished", "data": "d", "encoder": "e", "pooling": pooling,
             "regime": "probe", "seed": seed, "setting": "v",
             "monitor": "val/accuracy", "mode": "max", "metrics": metrics, "seconds": 1.0} | more  # fmt: skip
    return RunRecord(Path("nowhere") / (run_id or f"{pooling}-{seed}-{facts['setting']}"), facts)


def seeds_of(contender: Contender) -> list[int]:
    return [replicate.seed for replicate in sorted(contender.runs)]


def test_groups_are_data_sets_in_order_and_contenders_are_called_by_what_they_do_not_share():
    runs = [run("cls", 0, data="z"), run("cls", 0, data="a"), run("cls", 0, data="a", encoder="b", run_id="x")]
    runs += [run("cls", 0, data="z", regime="fine-tuned", run_id="y")]
    first, second = group_runs(runs, metric="test/accuracy")
    assert (first.data, first.encoders, list(first.contenders)) == ("a", ("b", "e"), ["b/cls", "e/cls"])
    assert (second.data, second.encoders, list(second.contenders)) == ("z", ("e",), ["cls/probe", "cls/fine-tuned"])
    assert first.called("cls") == ("b/cls", "e/cls")
    assert first.called("e/cls") == ("e/cls",)


def test_frozen_and_fine_tuned_runs_are_two_contenders_and_not_two_settings():
    """As settings the better on validation would be kept, and the other vanish."""
    runs = [run("cls", 0, regime=regime, setting=regime, val=val, run_id=regime)
            for regime, val in (("frozen", 0.6), ("fine-tuned", 0.9))]  # fmt: skip
    [group] = group_runs(runs)
    assert {name: c.settings for name, c in group.contenders.items()} == {"cls/frozen": 1, "cls/fine-tuned": 1}


def test_each_number_of_training_rows_is_a_group_all_rows_first():
    asked = [{"train_rows": 100, "rows_per_label": None}, {"train_rows": None, "rows_per_label": None},
             {"train_rows": 1000, "rows_per_label": None}, {"train_rows": None, "rows_per_label": 8}]  # fmt: skip
    runs = [run("cls", 0, rows_asked=rows, run_id=str(i)) for i, rows in enumerate(asked)]
    groups = group_runs(runs)
    assert [str(group.arena.rows) for group in groups] == [
        "all rows", "1,000 training rows", "100 training rows", "8 rows a label"
    ]  # fmt: skip
    assert leads(groups) == groups[:1]
    assert groups[1].title == "d · e · 1,000 training rows"


def test_a_fold_with_a_seed_is_a_replicate():
    runs = [run("cls", seed, split={"seed": 0, "fold": fold, "folds": 2}, run_id=f"{seed}{fold}")
            for seed in (0, 1) for fold in (0, 1)]  # fmt: skip
    [group] = group_runs(runs)
    assert [group.wording.name(r) for r in sorted(group.contenders["cls"].runs)] == [
        "fold 0 seed 0", "fold 0 seed 1", "fold 1 seed 0", "fold 1 seed 1"
    ]  # fmt: skip
    assert group.wording.noun == "replicates"


def test_the_setting_with_most_seeds_wins_before_the_best_on_validation():
    runs = [run("cls", seed, val=0.5, setting="whole") for seed in (0, 1, 2)]
    runs += [run("cls", seed, val=0.9, setting="begun") for seed in (0, 1)]
    [group] = group_runs(runs, metric="test/accuracy")
    assert seeds_of(group.contenders["cls"]) == [0, 1, 2]
    assert group.contenders["cls"].settings == 2


def test_failed_runs_of_the_chosen_setting_are_kept_apart():
    runs = [run("cls", 0), run("cls", 1, status="failed"), run("cls", 2, test=None), run("cls", 3, setting="other")]
    runs += [run("max", 0, status="failed")]
    [group] = group_runs(runs, metric="test/accuracy")
    contender = group.contenders["cls"]
    assert seeds_of(contender) == [0]
    assert [r.facts["seed"] for r in contender.failed] == [1, 2]
    assert list(group.contenders) == ["cls"]
    assert [r.facts["pooling"] for r in group.without_result] == ["max"]


def test_a_pooling_whose_runs_a_search_ended_has_not_failed():
    [group] = group_runs([run("cls", 0), run("max", 0, status="pruned")], metric="test/accuracy")
    assert list(group.contenders) == ["cls"]
    assert not group.without_result


def test_runs_that_share_a_seed_are_told_apart_by_their_other_seeds(tmp_path):
    runs = []
    for init in (5, 3):
        for pooling in ("cls", "max"):
            folder = tmp_path / f"{pooling}-{init}"
            folder.mkdir()
            (folder / "config.yaml").write_text(f"init_seed: {init}\ndata_seed: 0\n")
            runs.append(RunRecord(folder, run(pooling, 0, test=init / 10).facts))
    [group] = group_runs(runs, metric="test/accuracy")
    for contender in group.contenders.values():
        assert {r.init_seed: one.metric("test/accuracy") for r, one in contender.runs.items()} == {3: 0.3, 5: 0.5}
    assert [group.wording.name(replicate) for replicate in sorted(contender.runs)] == ["init_seed 3", "init_seed 5"]


def test_runs_on_files_that_were_replaced_are_left_out_of_every_contender():
    runs = [run("cls", 0), run("cls", 1, outdated="data"), run("max", 0, outdated="data", status="failed")]
    [group] = group_runs(runs, metric="test/accuracy")
    assert list(group.contenders) == ["cls"]
    assert seeds_of(group.contenders["cls"]) == [0]
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

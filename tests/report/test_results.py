"""What a run's folder says of it."""

from __future__ import annotations

import json
import math

from poolsweep.report.results import damaged_note, load_results, load_runs


def write(folder, name: str, **content) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))


FINISHED = {"status": "finished", "data": "d", "encoder": "e", "pooling": "cls", "regime": "probe", "setting": "v",
            "seed": 0, "monitor": "val/loss", "mode": "min", "metrics": {"test/accuracy": 0.5}, "seconds": 1.0,
            "parameters": {"trained": 1, "pooled_size": 1}}  # fmt: skip


def test_runs_come_by_id_each_with_its_state(tmp_path):
    write(tmp_path / "s" / "b", "result", **FINISHED)
    write(tmp_path / "s" / "b", "status", state="running")
    write(tmp_path / "s" / "a", "status", state="running")
    write(tmp_path / "s" / "c", "result", status="failed", reason="out of memory")
    runs = load_runs([tmp_path / "s"])
    assert [(run.path.name, run.state, run.finished) for run in runs] == [
        ("a", "running", False), ("b", "finished", True), ("c", "failed", False),
    ]  # fmt: skip
    assert runs[1].metric("test/accuracy") == 0.5
    assert math.isnan(runs[1].metric("note"))
    assert math.isnan(runs[0].metric("test/accuracy"))
    assert [run.is_known for run in runs] == [False, True, False]
    assert [result["metrics"]["test/accuracy"] for result in load_results(tmp_path / "s")] == [0.5]


def test_a_broken_result_is_named(tmp_path):
    write(tmp_path / "s" / "a", "status", state="interrupted")
    (tmp_path / "s" / "a" / "result.json").write_text('{"status": "fini')
    (tmp_path / "s" / "empty").mkdir()
    runs = load_runs([tmp_path / "s"])
    assert [run.state for run in runs] == ["damaged"]
    assert damaged_note(runs) == ("1 damaged run is left out; train runs it again: a (a: result.json is damaged).")


def test_a_run_in_two_studies_counts_once_and_the_finished_one_wins(tmp_path):
    write(tmp_path / "one" / "a", "result", status="failed")
    write(tmp_path / "two" / "a", "result", **FINISHED)
    write(tmp_path / "three" / "a", "status", state="running")
    for order in (("one", "two", "three"), ("two", "one"), ("three", "two")):
        [run] = load_runs([tmp_path / name for name in order])
        assert run.finished


def test_a_config_that_cannot_be_read_is_empty_and_runs_no_code(tmp_path):
    write(tmp_path / "s" / "a", "result", **FINISHED)
    [run] = load_runs([tmp_path / "s"])
    assert run.config == {}
    for content in ("a: [", "- a list", "!!python/object/apply:os.system ['true']"):
        (tmp_path / "s" / "a" / "config.yaml").write_text(content)
        [run] = load_runs([tmp_path / "s"])
        assert run.config == {}
    (tmp_path / "s" / "a" / "config.yaml").write_text("seed: 3")
    assert load_runs([tmp_path / "s"])[0].config == {"seed": 3}

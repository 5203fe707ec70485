"""``poolsweep status``: every state told apart, without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest

from poolsweep.runs.lock import RunLock
from poolsweep.runs.plan import is_planning, planning
from poolsweep.sweep.status import all_ended, study_status


@pytest.fixture
def study(outputs, finished_result):
    """One run in each state; that of the running one is held by this process."""
    folder = outputs / "s"
    now = time.time()

    def run(run_id: str, status: dict | None, result: dict | None) -> None:
        (folder / run_id).mkdir(parents=True)
        if status is not None:
            base = {"name": f"name of {run_id}", "started": now - 60, "heartbeat": now - 3, "host": "h", "pid": 1}
            (folder / run_id / "status.json").write_text(json.dumps(base | status))
        if result is not None:
            (folder / run_id / "result.json").write_text(json.dumps(result))

    training = {"state": "running", "phase": "training", "step": 30, "steps": 120, "seconds_left": 90.0}
    run("done", {"state": "finished", "shared_seconds": 30.0}, finished_result)
    run("busy", training, None)
    run("dead", training, None)
    failure = {"reason": "OutOfMemoryError: 3 GiB", "kind": "out_of_memory"}
    run("bad", {"state": "failed", "log": ["the last line"], **failure}, {"status": "failed", **failure})
    run("tensorboard", None, None)
    plan = {run_id: {"name": f"name of {run_id}", "since": now} for run_id in ("done", "busy", "dead", "bad", "new")}
    (folder / "planned.json").write_text(json.dumps({"runs": plan}))
    lock = RunLock(folder / "busy")
    assert lock.acquire()
    yield folder
    lock.release()


def test_states(study):
    found = study_status(study)
    assert [(run.run_id, run.state) for run in found.runs] == [
        ("done", "finished"), ("busy", "running"), ("dead", "interrupted"), ("bad", "failed"), ("new", "missing"),
    ]  # fmt: skip
    done, busy, dead, bad, _ = found.runs
    assert done.metrics == {"test/accuracy": 0.5}
    assert (busy.progress, busy.seconds_left, busy.phase) == (0.25, 90.0, "training")
    assert 3 <= busy.heartbeat_age < 60
    assert dead.progress == 0.25
    assert (bad.kind, bad.reason, bad.log) == ("out_of_memory", "OutOfMemoryError: 3 GiB", ["the last line"])
    assert found.seconds_left == 90 + 2 * (50 - 30), "the running one; then two that find the encoder's pass done"


def test_a_page_for_people(cli, study):
    done = cli("status", "s")
    assert done.status == 1, "one has failed"
    assert done.out.startswith("s: 5 runs, 1 finished, 1 running, 1 failed, 1 interrupted, 1 missing, about 2 min 10 s")
    for line in (
        "failed  name of bad  out_of_memory: OutOfMemoryError: 3 GiB", "interrupted  name of dead  at 25%",
        "missing  name of new",
    ):  # fmt: skip
        assert f"  {line}\n" in done.out
    [running] = [line for line in done.out.splitlines() if line.startswith("  running")]
    assert "name of busy" in running
    assert "25%" in running
    assert "1 min 30 s left" in running


def test_overrides_that_all_runs_share_are_said_once(cli, outputs):
    shared = "data.text='a b' encoder=tiny"
    plan = {f"run{seed}": {"name": f"{shared} pooling=cls seed={seed}", "since": time.time()} for seed in (0, 1)}
    (outputs / "s").mkdir(parents=True)
    (outputs / "s" / "planned.json").write_text(json.dumps({"runs": plan}))
    assert cli("status", "s").out.splitlines() == [
        "s: 2 runs, 2 missing", f"  all runs: {shared} pooling=cls", "  missing  seed=0", "  missing  seed=1",
    ]  # fmt: skip


def test_nothing_is_said_to_take_no_time(cli, study):
    status = json.loads((study / "busy" / "status.json").read_text())
    (study / "busy" / "status.json").write_text(json.dumps(status | {"phase": "testing", "seconds_left": None}))
    (study / "planned.json").unlink()
    shutil.rmtree(study / "dead")
    out = cli("status", "s").out
    assert "testing" in out
    assert "left" not in out


def test_json_and_the_folder_as_an_argument(cli, study):
    by_name, by_path, all_of_them = (cli("status", "--json", *given).out for given in (["s"], [str(study)], []))
    [found] = json.loads(by_name)["studies"]
    counts = {"finished": 1, "running": 1, "queued": 0, "requeued": 0, "failed": 1, "pruned": 0, "interrupted": 1}
    assert found["counts"] == counts | {"damaged": 0, "missing": 1}
    assert found["runs"][0]["metrics"] == {"test/accuracy": 0.5}
    assert [study["study"] for study in json.loads(by_path)["studies"]] == ["s"]
    assert [study["study"] for study in json.loads(all_of_them)["studies"]] == ["s"]
    several = json.loads(cli("status", "--json", "s", str(study)).out)
    assert [study["study"] for study in several["studies"]] == ["s", "s"]


def test_watch_ends_when_all_have_ended(cli, study, finished_result):
    for name in ("busy", "dead"):
        (study / name / "result.json").write_text(json.dumps(finished_result))
    (study / "planned.json").unlink()
    done = cli("status", "s", "--watch")
    assert done.status == 1
    assert done.out.startswith("s: 4 runs, 3 finished, 1 failed")


def test_a_search_between_two_trials_has_not_ended(cli, outputs, finished_result):
    study = outputs / "s"
    (study / "done").mkdir(parents=True)
    (study / "done" / "result.json").write_text(json.dumps(finished_result))
    assert all_ended([study_status(study)])
    with planning(study), planning(study):
        assert not all_ended([study_status(study)])
        assert "s: 1 runs, 1 finished; more may be planned" in cli("status", "s").out
    assert all_ended([study_status(study)])


def test_a_search_that_was_killed_has_ended(outputs):
    study = outputs / "s"
    code = f"""
import pathlib, time
from poolsweep.runs.plan import planning
with planning(pathlib.Path({str(study)!r})):
    print("planning", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "planning\n"
        assert is_planning(study)
        process.kill()
    assert not is_planning(study)
    with planning(study):
        assert len(list(study.glob(".planner-*/"))) == 1, "what the killed one left is gone"


def test_files_that_are_being_written_do_not_break_it(cli, study):
    (study / "dead" / "status.json").write_text('{"state": "run')
    (study / "bad" / "result.json").write_text("")
    assert "4 runs" in cli("status", "s").out.replace("5 runs", "4 runs")


def test_no_such_study(cli, study):
    done = cli("status", "ss")
    assert (done.status, len(done.problems)) == (2, 1)
    assert "there is no study ss" in done.err
    assert "did you mean s?" in done.err


def test_nothing_yet(cli, outputs):
    assert "holds no study yet" in cli("status").err


def test_imports_nothing_heavy(study):
    code = (
        "import sys\nfrom poolsweep.cli import main\nmain(['status', sys.argv[1]])\n"
        "print(sorted({'torch', 'hydra', 'transformers', 'omegaconf', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(study)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"

"""Which run stopped a sweep, and how little is read to know."""

import time

from poolsweep.files.writing import write_json
from poolsweep.runs import plan
from poolsweep.runs.folder import RunFolder


def test_a_run_that_has_finished_is_read_once(tmp_path, monkeypatch):
    folders = [RunFolder(tmp_path / f"{name}-{i:08x}") for i, name in enumerate(("first", "second", "third"))]
    plan.write_plan(tmp_path, {folder: folder.path.name.split("-")[0] for folder in folders})
    read, known_status = [], plan.known_status
    monkeypatch.setattr(plan, "known_status", lambda path: read.append(path.name[:5]) or known_status(path))

    def is_now(folder, state, started):
        folder.path.mkdir(exist_ok=True)
        write_json(folder.path / "status.json", {"state": state, "started": started})

    is_now(folders[0], "finished", time.time() + 1)
    is_now(folders[1], "finished", 1.0)  # before it was planned: it may be run again
    assert plan.stopped_by(folders[2]) is None
    assert plan.stopped_by(folders[2]) is None
    assert read == ["first", "secon", "third", "secon", "third"]
    is_now(folders[1], "failed", time.time() + 1)
    assert plan.stopped_by(folders[2]) == "second"
    plan.write_plan(tmp_path, dict.fromkeys(folders, "again"))
    is_now(folders[0], "failed", time.time() + 1)
    assert plan.stopped_by(folders[2]) == "again", "a run that is planned anew is looked at anew"

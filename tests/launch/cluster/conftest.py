"""A Slurm that is played: commands on PATH that remember what they were asked to do."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMANDS = """#!{python} -SE
import json, pathlib, re, sys
state = pathlib.Path({state!r})
jobs = json.loads(state.read_text())
command, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
if jobs["deaf"]:
    sys.exit("slurm_load_jobs error: Unable to contact slurm controller")
if command == "sbatch":
    if jobs["full"]:
        sys.exit("sbatch: error: Invalid account or account/partition combination")
    script = pathlib.Path(arguments[0]).read_text()
    name = re.search("--job-name=(.*)", script)[1]
    array = re.search("--array=0-([0-9]+)", script)
    number = 1 + max([int(job["id"].split("_")[0]) for job in jobs["queue"] + jobs["ended"]], default=0)
    ids = [f"{{number}}_{{i}}" for i in range(int(array[1]) + 1)] if array else [str(number)]
    jobs["queue"] += [{{"id": id, "name": name, "state": "PENDING", "script": script}} for id in ids]
    state.write_text(json.dumps(jobs))
    print("Submitted batch job", number)
elif command == "squeue":
    names = arguments[-1].removeprefix("--name=").split(",")
    for job in jobs["queue"]:
        if job["name"] in names:
            print(job["id"], job["state"], job["name"], "Priority", sep="|")
elif command == "sacct":
    for job in jobs["ended"]:
        print(job["id"], job["state"], sep="|")
elif command == "scontrol":
    wanted = arguments[-1]
    for job in jobs["queue"] + jobs["ended"]:
        if job["id"] == wanted and arguments[0] == "requeue":
            job["state"] = "PENDING"
            state.write_text(json.dumps(jobs))
            break
        if job["id"] == wanted:
            print(f"JobId={{wanted}} JobName={{job['name']}} JobState={{job['state']}} Reason=None")
            break
    else:
        sys.exit("slurm_load_jobs error: Invalid job id specified")
"""


@dataclass(frozen=True)
class PlayedSlurm:
    """What the commands remember."""

    state: Path

    def read(self) -> dict:
        """All of it."""
        return json.loads(self.state.read_text())

    @property
    def queue(self) -> list[dict]:
        """Jobs that have not ended."""
        return self.read()["queue"]

    def set(self, **facts: bool) -> None:
        """Make it ``deaf``, or refuse jobs."""
        self.state.write_text(json.dumps(self.read() | facts))

    def set_state(self, state: str) -> None:
        """Of all jobs in the queue."""
        content = self.read()
        for job in content["queue"]:
            job["state"] = state
        self.state.write_text(json.dumps(content))

    def end(self, state: str) -> None:
        """Let all jobs end."""
        content = self.read()
        content["ended"] += [job | {"state": state} for job in content["queue"]]
        self.state.write_text(json.dumps(content | {"queue": []}))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedSlurm:
    """Put the commands on PATH."""
    folder, state = tmp_path / "slurm-bin", tmp_path / "slurm.json"
    folder.mkdir()
    state.write_text(json.dumps({"queue": [], "ended": [], "deaf": False, "full": False}))
    for name in ("sbatch", "squeue", "sacct", "scontrol", "srun"):
        path = folder / name
        path.write_text(COMMANDS.format(python=sys.executable, state=str(state)))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return PlayedSlurm(state)

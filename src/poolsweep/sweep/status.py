"""Where the runs of a study are, read from their folders; imports nothing heavy and writes nothing."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from poolsweep.files.writing import read_json
from poolsweep.launch.cluster.lost import KIND, follow, lost_log
from poolsweep.launch.cluster.slurm import SlurmUnreachableError
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import holder
from poolsweep.runs.plan import Skipped, is_planning, read_plan, read_skipped
from poolsweep.runs.records import OddRecordError, missing_file, read_result, read_status
from poolsweep.sweep.estimate import usual_seconds

State = Literal["finished", "running", "queued", "requeued", "failed", "pruned", "interrupted", "damaged", "missing"]
STATES: tuple[State, ...] = get_args(State)
WAITING: tuple[State, ...] = ("queued", "requeued", "interrupted", "missing")


@dataclass(frozen=True)
class RunStatus:
    """Where one run is.

    Attributes:
        run_id: Identity of the run, and the name of its folder.
        name: Overrides by which a person knows it.
        state: ``interrupted``: begun, and no process is at work on it; ``missing``: planned and never begun; ``queued``
            and ``requeued``: the same two, but a job of a cluster waits to do it; ``pruned``: ended by Optuna's
            pruner; ``damaged``: its records or files are not what they were, so it counts as not run.
        phase: Present work: starting, encoding, training, validating, testing.
        progress: Share of the training steps that are done, 0 to 1.
        seconds_left: Seconds of training that are left, by the pace so far.
        heartbeat_age: Seconds since the last heartbeat.
        host: Host of the process that runs it, or ran it last.
        pid: Id of that process.
        attempts: Number of processes that have worked on it.
        seconds: Seconds that it took, if it finished.
        shared_seconds: Seconds of these that serve later runs too, such as a frozen encoder's pass.
        metrics: Metrics, if it finished.
        kind: Kind of failure: diverged, timeout, out_of_memory, disk_full, killed, lost_job, exception.
        reason: Reason of failure or pruning, in one line, or Slurm's word for why the job waits.
        log: Last lines of its log, if it failed.
        job: Slurm's id of a job that has not ended.
        refit: Name of the contender that it fits anew for use, if it is such a run.
    """

    run_id: str
    name: str
    state: State
    phase: str | None = None
    progress: float | None = None
    seconds_left: float | None = None
    heartbeat_age: float | None = None
    host: str | None = None
    pid: int | None = None
    attempts: int | None = None
    seconds: float | None = None
    shared_seconds: float | None = None
    metrics: dict[str, float] | None = None
    kind: str | None = None
    reason: str | None = None
    log: list[str] | None = None
    job: str | None = None
    refit: str | None = None


@dataclass(frozen=True)
class StudyStatus:
    """Where a study is.

    Attributes:
        study: Name of the study.
        path: Folder of the study.
        runs: Runs that were begun or planned.
        refits: Refits that were begun.
        skipped: Combinations of its sweeps that cannot be.
        optuna: Content of ``optuna.json``: trials in all and by state, and the best; None without one.
        planning: Whether ``sweep=optuna`` or a race is at work, which plans further runs.
    """

    study: str
    path: Path
    runs: tuple[RunStatus, ...]
    optuna: dict[str, Any] | None = None
    planning: bool = False
    refits: tuple[RunStatus, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def counts(self) -> dict[State, int]:
        """How many runs are in each state."""
        found = Counter(run.state for run in self.runs)
        return {state: found[state] for state in STATES}

    @property
    def seconds_left(self) -> float | None:
        """Until all that is running, interrupted or missing has finished, as many at once as now; None if unknown."""
        running = self.of("running")
        took = [max(0.0, run.seconds - (run.shared_seconds or 0.0)) for run in self.runs if run.seconds is not None]
        waiting = len(self.of(*WAITING))
        if not running or (waiting and not took):
            return None
        present = max((run.seconds_left or 0.0 for run in running), default=0.0)
        return present + (waiting * usual_seconds(took) / len(running) if waiting else 0.0)

    def of(self, *states: State) -> list[RunStatus]:
        """The runs in some states."""
        return [run for run in self.runs if run.state in states]

    def as_json(self) -> dict[str, Any]:
        """Plain containers; what does not apply is left out."""
        runs, refits = (
            [{key: value for key, value in asdict(run).items() if value is not None} for run in several]
            for several in (self.runs, self.refits)
        )
        return {
            "study": self.study, "path": str(self.path), "counts": self.counts, "seconds_left": self.seconds_left,
            "planning": self.planning, "runs": runs, "refits": refits, "skipped": [asdict(one) for one in self.skipped],
            **({"optuna": self.optuna} if self.optuna else {}),
        }  # fmt: skip


def study_status(study: Path) -> StudyStatus:
    """Read where all runs of a study are; others may be writing meanwhile.

    Args:
        study: Folder of the study.
    """
    planned = read_plan(study)
    with os.scandir(study) as entries:
        begun = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    runs = [run for name in begun if (run := _run_status(RunFolder(study / name))) is not None]
    runs, refits = ([run for run in runs if (run.refit is not None) is wanted] for wanted in (False, True))
    known = {run.run_id for run in runs}
    runs += [RunStatus(run_id, plan["name"], "missing") for run_id, plan in planned.items() if run_id not in known]
    order = {run_id: place for place, run_id in enumerate(planned)}
    runs.sort(key=lambda run: (order.get(run.run_id, len(order)), run.name, run.run_id))
    optuna = read_json(study / "optuna.json")
    runs = with_jobs(runs, study)
    return StudyStatus(
        study.name, study, tuple(runs), optuna if isinstance(optuna, dict) else None, is_planning(study),
        tuple(refits), tuple(read_skipped(study)),
    )  # fmt: skip


def _run_status(folder: RunFolder) -> RunStatus | None:
    """None if the folder is no run's, or nothing has been done in it yet."""
    status, result, damage = _records(folder)
    if not status and not result and damage is None:
        return None
    name = result.get("name") or status.get("name") or folder.path.name
    who = {"host": status.get("host"), "pid": status.get("pid"), "attempts": status.get("attempts")}
    who["refit"] = (result.get("refit") or {}).get("of") or status.get("refit")
    run_id = folder.path.name
    if result.get("status") == "finished" and damage is None:
        took = {"seconds": result.get("seconds"), "shared_seconds": status.get("shared_seconds")}
        return RunStatus(run_id, name, "finished", metrics=result.get("metrics"), **took, **who)
    if result.get("status") == "pruned":
        reason = result.get("reason")
        return RunStatus(run_id, name, "pruned", metrics=result.get("metrics"), reason=reason, **who)
    step, steps = status.get("step"), status.get("steps")
    progress = {
        "phase": status.get("phase"),
        "progress": round(step / steps, 4) if step is not None and steps else None,
        "heartbeat_age": round(max(0.0, time.time() - status.get("heartbeat", time.time())), 1),
    }
    if _is_held(folder):
        return RunStatus(run_id, name, "running", seconds_left=status.get("seconds_left"), **progress, **who)
    if damage is not None:
        return RunStatus(run_id, name, "damaged", reason=damage, **who)
    if status.get("state") == "failed" or result.get("status") == "failed":
        why = {key: status.get(key) or result.get(key) for key in ("kind", "reason", "log")}
        return RunStatus(run_id, name, "failed", **progress, **who, **why)
    return RunStatus(run_id, name, "interrupted", **progress, **who)


def _records(folder: RunFolder) -> tuple[Mapping[str, Any], Mapping[str, Any], str | None]:
    """A run's status, its result, and what is wrong with the result or with the files that it speaks of."""
    status: Mapping[str, Any] = {}
    odd: str | None = None
    try:
        status = read_status(folder.path) or {}
    except OddRecordError as error:
        odd = str(error)
    try:
        result = read_result(folder.path)
    except OddRecordError as error:
        return status, {}, str(error)
    if result is None:  # where there is one, it says all that counts
        return status, {}, odd
    return status, result, missing_file(folder.path, result) if result["status"] == "finished" else None


def _is_held(folder: RunFolder) -> bool:
    try:
        return holder(folder.lock) is not None
    except OSError:  # a colleague's, who lets nobody read it
        return False


def with_jobs(runs: Sequence[RunStatus], study: Path) -> list[RunStatus]:
    """Add what Slurm knows of runs that no process is at work on: they are queued, starting, or lost with their job."""
    idle = {RunFolder(study / run.run_id): run for run in runs if run.state in {"interrupted", "missing"}}
    idle = {folder: run for folder, run in idle.items() if folder.job.exists()}
    if not idle:
        return list(runs)
    try:
        followed = follow(idle)
    except SlurmUnreachableError as error:
        unknown = {run.run_id: replace(run, reason=str(error)) for run in idle.values()}
        return [unknown.get(run.run_id, run) for run in runs]
    found: dict[str, RunStatus] = {}
    for folder, job in followed.queued.items():
        waits: State = "queued" if idle[folder].state == "missing" else "requeued"
        known = {"job": job.job_id, "reason": job.reason if job.reason != "None" else None}
        state = {"state": waits} if job.waits else {"state": "running", "phase": "starting"}
        found[folder.path.name] = replace(idle[folder], **state, **known)
    for folder, reason in followed.lost.items():
        found[folder.path.name] = replace(idle[folder], state="failed", kind=KIND, reason=reason, log=lost_log(folder))
    return [found.get(run.run_id, run) for run in runs]


def all_ended(studies: Sequence[StudyStatus]) -> bool:
    """Whether no run is running or waiting to be, and none is going to be planned."""
    return not any(study.planning or study.of("running", *WAITING) for study in studies)

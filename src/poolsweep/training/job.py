"""One job: a composed config in, a run folder out; what is finished or run elsewhere is left alone.

What makes and trains a model takes seconds to import, and is imported only when there is one to make.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from poolsweep.config import RunConfig, validate
from poolsweep.data.splits import Splits
from poolsweep.distributed.device import device_of
from poolsweep.distributed.group import broadcast, process_group
from poolsweep.distributed.world import ALONE, given_world, world_for
from poolsweep.errors import RefusedError, UserError
from poolsweep.files.writing import remove, set_aside
from poolsweep.process.collector import importing
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.identity import NO_PART, differing_keys, run_id
from poolsweep.runs.lock import LockLostError, RunLock, holder
from poolsweep.runs.plan import stopped_by
from poolsweep.runs.secrets import recorded, redacted
from poolsweep.runs.stored_config import OddConfigError, read_config
from poolsweep.runs.tidy import tidy
from poolsweep.training.sources import data_content, found_by

if TYPE_CHECKING:
    from poolsweep.training.planned import PlannedRun
    from poolsweep.training.prepare import Prepared

READ_PARTS = ("data", "task", "loss", "encoder", "pooling", "pairs", "postprocess")  # made of what is read before a run


class RunsElsewhereError(Exception):
    """Another process is at work on this run."""


@importing()
def checked(config: RunConfig) -> Prepared:
    """Validate a config and load what it reads, naming every problem at once.

    Args:
        config: The run's.
    Raises:
        UserError: With all problems of config, files, labels and encoder.
    """
    from poolsweep.training.prepare import prepare

    problems: list[str] = []
    try:
        validate(config)
    except RefusedError:
        raise
    except UserError as error:
        problems += error.problems
    faulty = [part for part in READ_PARTS if any(problem.startswith(f"{part}.") for problem in problems)]
    try:
        prepared = prepare(config, faulty=faulty)
    except UserError as error:
        if not problems:
            raise
        raise UserError(*dict.fromkeys([*problems, *error.problems])) from error
    if problems:
        raise UserError(*problems)
    return prepared


def folder_of(config: RunConfig, splits: Splits | None = None) -> tuple[RunFolder, str]:
    """The folder and the identity of a run, by the data that were read or, before that, would be."""
    identity = run_id(config, data=data_content(config.data, trusted=config.trusted, splits=splits))
    return RunFolder(config.study_folder / identity), identity


def run_name(overrides: Iterable[str]) -> str:
    """What a person calls a run: its overrides, without those that name no part of it."""
    return redacted(" ".join(o for o in overrides if _root_key(o) not in {*NO_PART, "experiment", "sweep"}))


def _root_key(override: str) -> str:
    return re.split(r"[=./@]", override.lstrip("+~"), maxsplit=1)[0]


def finished_before(config: RunConfig) -> tuple[RunFolder, dict[str, Any]] | None:
    """The folder and the result of a config that has been run to its end; None also if it is no valid config.

    Raises:
        UserError: If the folder holds a run of another config.
    """
    try:
        folder, _ = folder_of(config)
        result = folder.finished()
    except Exception:  # a source of the user's own may raise anything; it is said when the config is checked
        return None
    if result is None:
        return None
    _require_same_config(folder, config)
    tidy(folder)
    return folder, result


def damaged_before(folder: RunFolder) -> str | None:
    """A sentence about a run that has a result which does not count, and so is run again; None if it has none."""
    why = folder.damage()
    return None if why is None else f"{folder.path} is run again: {why}"


def run(
    config: RunConfig, *, name: str, sweeping: bool, is_valid: bool = False, prepared: Prepared | None = None
) -> dict[str, Any]:
    """Run one job, unless it is finished, failed and not to be retried, or run by another process.

    In a sweep what went wrong stands in the run folder, and the others go on; raised is what kept a run from beginning.

    Args:
        config: The run's; needs nothing of Hydra's, so that it runs anywhere.
        name: What a person calls the run.
        sweeping: Raise nothing that stands in the run folder.
        is_valid: Whether ``validate`` has passed it, on this machine.
        prepared: What ``checked`` gave for this config, if it has been asked and the run is known not to be finished.
    Raises:
        UserError: For a user's mistake; in a sweep if it kept the run from beginning.
        RunsElsewhereError: Unless ``sweeping``, if another process is at work on it.
        LockLostError: Unless ``sweeping``, if another process took it over.
    """
    quiet_third_parties()
    with importing():
        from poolsweep.training.execute import execute
        from poolsweep.training.planned import PlannedRun
        from poolsweep.training.prepare import prepare

    if prepared is None:
        together = config.processes > 1 and given_world() is not None  # then the first of them looks
        before = None if together else finished_before(config)
        if before is not None:
            return before[1]
        prepared = prepare(config) if is_valid else checked(config)
    folder, identity = folder_of(config, prepared.splits)
    if sweeping and config.on_failure == "stop" and stopped_by(folder) is not None:
        return {"status": "stopped", "run_id": identity}
    planned, world = PlannedRun(config, prepared, folder, identity, name), world_for(config)
    try:
        with process_group(world or ALONE, device=device_of(config, world)):
            if world is not None and world.rank > 0:
                return broadcast(None) or execute(planned, lock=None, world=world)
            with _decided(planned) as lock:
                return broadcast(folder.finished()) or execute(planned, lock=lock, world=world)
    except (RunsElsewhereError, LockLostError):
        if not sweeping:
            raise
        return {"status": "elsewhere", "run_id": identity}
    except Exception:
        if not sweeping or not folder.failed():  # what refused it before it began stands nowhere else
            raise
        return {"status": "failed", "run_id": identity}


def run_job(config: RunConfig, overrides: Iterable[str]) -> dict[str, Any]:
    """Run one job of a sweep, on the machine that planned it.

    Args:
        config: Validated when the sweep was planned.
        overrides: What it was composed from.
    """
    return run(config, name=run_name(overrides), sweeping=True, is_valid=True)


@contextmanager
def _decided(planned: PlannedRun) -> Iterator[RunLock]:
    """Hold the lock of a run; if that is not to be, the other processes of the run are told and go on."""
    folder, identity = planned.folder, planned.identity
    lock = RunLock(folder.path)
    if not lock.acquire():
        broadcast({"status": "elsewhere", "run_id": identity})
        who = holder(folder.lock) or {}
        raise RunsElsewhereError(
            f"run {identity} is being run by process {who.get('pid')} on {who.get('host')}; it is left to it"
        )
    with lock:
        try:
            if folder.damage() is None:  # else its config may be what is damaged, and the run is made anew
                _set_damaged_config_aside(folder)
                _require_same_config(folder, planned.config)
        except UserError:
            broadcast({"status": "failed", "run_id": identity})
            raise
        yield lock


def _set_damaged_config_aside(folder: RunFolder) -> None:
    """Of an unfinished run: whether it is one of another config cannot be told, and its name says that it is not."""
    try:
        read_config(folder.config)
    except OddConfigError as error:
        set_aside(folder.config, why=str(error))
    except OSError:  # not there, or no file: what stands in its place is set aside when it is written
        return


def _require_same_config(folder: RunFolder, config: RunConfig) -> None:
    try:
        stored = read_config(folder.config)
    except (OSError, OddConfigError):
        return
    different = differing_keys(stored, recorded(config.content), found_by=found_by(config.data))
    if different:
        raise UserError(
            f"{folder.path} holds a run of another config, which differs in {', '.join(different)}; "
            "choose another study, or remove that folder"
        )


def start_over(folder: RunFolder) -> bool:
    """Forget what a run has done, so that it is run anew (``retry=all``); False if another process is at work on it."""
    lock = RunLock(folder.path)
    if not lock.acquire():
        return False
    with lock:
        for path in (folder.result, folder.status, folder.log):
            remove(path)
        CheckpointStore(folder.checkpoints).clear_all()
    return True

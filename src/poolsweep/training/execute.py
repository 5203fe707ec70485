"""Trains one run in its folder and writes down how it ended."""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from poolsweep.distributed.world import ALONE, World
from poolsweep.errors import TrainingDivergedError
from poolsweep.files.writing import last_lines, only_plain, remove
from poolsweep.process.signals import Interrupted, stop_signals
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.job import record_this_job
from poolsweep.runs.lock import LockLostError, RunLock
from poolsweep.runs.pruned import record_pruned
from poolsweep.runs.records import write_result
from poolsweep.runs.secrets import redacted
from poolsweep.runs.status import StatusFile
from poolsweep.training.attempt import attempt, facts_of
from poolsweep.training.failure import in_one_line, kind_of
from poolsweep.training.planned import PlannedRun
from poolsweep.training.prepare import as_loaded
from poolsweep.training.rank_failures import RankFailedError, first_failure, report_failure
from poolsweep.training.supervise import RankJob, run_in_ranks

_SECONDS_FOR_THE_OTHERS = 2.0  # to say why they failed, on a shared drive


def execute(planned: PlannedRun, *, lock: RunLock | None, world: World | None = ALONE) -> dict[str, Any]:
    """Train one run in its folder and write its result, or its failure.

    Args:
        planned: The run; it goes on from the last checkpoint that an unfinished attempt left in its folder.
        lock: Held; None in a process that trains the run together with the one that holds it.
        world: This process among those that train the run, which have joined; None: they are still to be started.
    """
    started = time.time()
    config, folder = planned.config, planned.folder
    status = StatusFile(folder, name=planned.name, run_id=planned.identity, lock=lock)
    with at_work(folder, lock=lock):
        if lock is not None:
            record_this_job(folder)
        while True:
            micro_batches = status.content["micro_batches"]
            try:
                status.update(force=True, **({"refit": config.refit.of} if config.refit is not None else {}))
                if world is not None:
                    return attempt(planned, lock=lock, world=world, micro_batches=micro_batches, status=status)
                assert lock is not None
                job = RankJob(config.content, folder.path, planned.identity, planned.name, lock.token, micro_batches)
                try:
                    run_in_ranks(job, processes=config.processes, log=folder.log)
                except RankFailedError:
                    if folder.finished() is None:  # else it was done, and a signal met it on its way out
                        raise
                result = folder.finished()
                assert result is not None, "all of its processes ended well"
                return result
            except (KeyboardInterrupt, SystemExit, Interrupted):
                status.update(force=True, state="interrupted")
                raise
            except LockLostError:
                raise  # the folder is another process's now
            except Exception as error:
                fitting = getattr(error, "facts", {}).get("micro_batches")
                alone = world is None or world.size == 1
                if fitting is not None and alone and config.halves_out_of_memory:
                    if lock is not None:
                        lock.check()
                    logging.getLogger(__name__).warning("%s; starting over so", error)
                    status.content["micro_batches"] = fitting
                    CheckpointStore(folder.checkpoints).clear()
                    _forget(error)
                    planned = replace(planned, prepared=as_loaded(planned.prepared, config))
                    continue
                cause = _cause(folder, error, world=world)
                if lock is not None:
                    lock.check()
                    status.catch_up()
                    facts = facts_of(planned, started=started)
                    if kind_of(cause) == "pruned":
                        status.update(force=True, state="pruned", reason=str(cause))
                        _forget(error)
                        return record_pruned(folder, facts, cause)
                    _record_failure(folder, facts, cause, status=status)
                if cause is error:
                    raise
                raise cause from error


def _cause(folder: RunFolder, error: Exception, *, world: World | None) -> Exception:
    """What made a run fail whose processes a launcher started: perhaps not what this process has seen of it."""
    if world is None or world.size == 1:
        return error
    if world.rank > 0:
        report_failure(folder.path, error, rank=world.rank)
        return error
    time.sleep(_SECONDS_FOR_THE_OTHERS)
    first = first_failure(folder.path)
    for path in folder.path.glob("rank-*.json"):
        remove(path)
    if first is None:
        return error
    return RankFailedError(f"process {first.rank} of {world.size}: {first.reason}", kind=first.kind, facts=first.facts)


def _record_failure(folder: RunFolder, facts: Mapping[str, Any], error: Exception, *, status: StatusFile) -> None:
    logging.getLogger("poolsweep").error("".join(traceback.format_exception(error)))
    failure = {"reason": redacted(in_one_line(error)), "kind": kind_of(error)}
    log = last_lines(folder.log)
    if isinstance(error, TrainingDivergedError):  # what it would go on from leads nowhere
        CheckpointStore(folder.checkpoints).clear_all()
    with contextlib.suppress(OSError):  # the disk may be full
        write_result(folder.path, {**facts, "status": "failed", **failure})
    status.update(force=True, state="failed", log=log, **failure)
    _forget(error)


def _forget(error: Exception) -> None:
    """Let go of what the frames of an exception hold: the run's tensors."""
    traceback.clear_frames(error.__traceback__)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def at_work(folder: RunFolder, *, lock: RunLock | None) -> Iterator[None]:
    """Send what is logged to the run's folder, let signals wait for the end of a step, and leave no process behind."""
    with _log_to(folder, lock), stop_signals:
        try:
            yield
        finally:
            if multiprocessing.active_children():  # workers of a data loader end with it, and it lies in a cycle
                gc.collect()


class _WithoutSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


@contextmanager
def _log_to(folder: RunFolder, lock: RunLock | None) -> Iterator[None]:
    """Send log lines and warnings of the run to its folder, as long as it is ours."""
    handler = logging.FileHandler(only_plain(folder.log), delay=True, encoding="utf-8")
    handler.setFormatter(_WithoutSecrets("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda record: lock is None or lock.is_mine())
    loggers = [logging.getLogger(name) for name in ("poolsweep", "pytorch_lightning", "py.warnings")]
    for logger in loggers:
        logger.addHandler(handler)
    level = loggers[0].level
    loggers[0].setLevel(logging.INFO)  # what a run computes with is said at this level
    try:
        yield
    finally:
        loggers[0].setLevel(level)
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()

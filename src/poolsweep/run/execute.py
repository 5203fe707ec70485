"""Trains one run in its folder and writes down how it ended."""

from __future__ import annotations

import contextlib
import datetime
import gc
import logging
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
import yaml

from poolsweep.build import Prepared, Run, build, data_name, pooling_label
from poolsweep.callbacks.best_weights import TrainingDivergedError
from poolsweep.cluster.record import record_this_job
from poolsweep.device import accelerator_type
from poolsweep.loggers.tracker import close_loggers
from poolsweep.probe.run import ProbeOutcome, ProbeRun, solve
from poolsweep.run.environment import git_changes, git_commit, hardware, versions
from poolsweep.run.failure import in_one_line, kind_of, require_room
from poolsweep.run.files import last_lines, make_durable, write_json, write_whole
from poolsweep.run.folder import RESULT_VERSION, RunFolder
from poolsweep.run.identity import variant_id
from poolsweep.run.lock import LockLostError, RunLock
from poolsweep.run.secrets import redacted
from poolsweep.run.signals import Interrupted, stop_signals
from poolsweep.run.status import StatusFile
from poolsweep.train import Outcome, train


def execute(
    content: dict[str, Any], prepared: Prepared, *, folder: RunFolder, identity: str, name: str, lock: RunLock | None
) -> dict[str, Any]:
    """Train one run in its folder and write its result, or its failure.

    Args:
        content: Resolved and validated config.
        prepared: What it reads.
        folder: Where it writes; it goes on from the last checkpoint that an unfinished attempt left.
        identity: Its run id.
        name: What a person calls it.
        lock: Held; None in a process that trains the run together with the one that holds it, and writes nothing.
    """
    started = time.time()
    leads = lock is not None
    still_ours = lock.check if lock is not None else _of_the_leader
    status = StatusFile(folder, name=name, run_id=identity, silent=not leads)
    facts: dict[str, Any] = {"run_id": identity, "name": name}
    run: Run | ProbeRun | None = None
    finished: dict[str, Any] | None = None
    with _log_to(folder), stop_signals:
        try:
            status.update(force=True)
            if leads:
                record_this_job(folder)
                _start(folder, content, prepared)
            facts = _facts(content, prepared, identity=identity, name=name, started=started)
            run = build(content, prepared, folder=folder, run_id=identity, status=status, still_ours=still_ours)
            trains = isinstance(run, Run)
            require_room(folder.path, run.classifier, checkpoints=trains and any(content["checkpoint"].values()))
            outcome = train(run, folder=folder) if trains else solve(run, folder=folder, status=status)
            seconds = time.time() - started + (run.checkpoint.seconds_before if trains else 0)
            result = _result(facts, outcome, run, seconds=seconds, attempts=status.content["attempts"])
            still_ours()
            if leads:
                _finish(folder, run, result)
            finished = result
            status.update(force=True, state="finished", metrics=outcome.metrics)
            return result
        except (KeyboardInterrupt, SystemExit, Interrupted):
            status.update(force=True, state="interrupted")
            raise
        except LockLostError:
            raise  # the folder is another process's now
        except Exception as error:
            if leads:
                _record_failure(folder, facts, error, status=status)
            raise
        finally:
            if run is not None:
                close_loggers(run.trainer.loggers, result=finished)


def _of_the_leader() -> None:
    """The lock is the business of the process that leads."""


def _start(folder: RunFolder, content: Mapping[str, Any], prepared: Prepared) -> None:
    for stale in (folder.metrics, folder.result, folder.best, *folder.path.glob(".*")):  # .*: half-written
        stale.unlink(missing_ok=True)
    with write_whole(folder.config) as temporary:
        temporary.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True), encoding="utf-8")
    write_json(folder.labels, prepared.labels.to_mapping())


def _finish(folder: RunFolder, run: Run | ProbeRun, result: Mapping[str, Any]) -> None:
    """The result comes last, when all that it speaks of is on the disk: it is what makes a run a finished one."""
    for split in ("validation", "test"):
        make_durable(folder.predictions(split))
    write_json(folder.result, result, durable=True)
    if isinstance(run, Run):
        run.checkpoint.store.clear()
        run.best.clear()


def _record_failure(folder: RunFolder, facts: Mapping[str, Any], error: Exception, *, status: StatusFile) -> None:
    logging.getLogger("poolsweep").error(traceback.format_exc())
    failure = {"reason": redacted(in_one_line(error)), "kind": kind_of(error)}
    log = last_lines(folder.log)
    if isinstance(error, TrainingDivergedError):  # what it would go on from leads nowhere
        for path in folder.checkpoints.glob("*"):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the disk may be full
        write_json(folder.result, {**facts, "status": "failed", **failure})
    status.update(force=True, state="failed", log=log, **failure)
    traceback.clear_frames(error.__traceback__)  # they hold the run's tensors
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _facts(
    content: Mapping[str, Any], prepared: Prepared, *, identity: str, name: str, started: float
) -> dict[str, Any]:
    accelerator = accelerator_type(content["trainer"]["accelerator"])
    devices = content["trainer"]["devices"]
    return {
        "schema_version": RESULT_VERSION,
        "run_id": identity,
        "name": name,
        "study": content["study"],
        "seed": content["seed"],
        "data": data_name(content),
        "encoder": prepared.loaded.encoder.name,
        "frozen": content["encoder"]["frozen"],
        "pooling": pooling_label(content),
        "variant": variant_id(content),
        "monitor": content["monitor"],
        "mode": content["mode"],
        "labels": len(prepared.labels),
        "sizes": {split.name: len(split) for split in prepared.splits},
        "started": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "hardware": hardware(accelerator=accelerator, devices=devices if isinstance(devices, int) else 1),
        "git_commit": git_commit(),
        "git_changes": git_changes(),
    }


def _result(
    facts: dict[str, Any], outcome: Outcome | ProbeOutcome, run: Run | ProbeRun, *, seconds: float, attempts: int
) -> dict[str, Any]:
    return {
        **facts,
        "status": "finished",
        "seconds": round(seconds, 3),
        "attempts": attempts,
        **asdict(outcome),
        "truncated_share": {name: round(share, 6) for name, share in run.truncated_share.items()},
    }


class _WithoutSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


@contextmanager
def _log_to(folder: RunFolder) -> Iterator[None]:
    """Send log lines and warnings of the run to its folder."""
    handler = logging.FileHandler(folder.log, delay=True, encoding="utf-8")
    handler.setFormatter(_WithoutSecrets("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("poolsweep", "pytorch_lightning", "py.warnings")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()

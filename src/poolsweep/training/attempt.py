"""One attempt at a run, as one of its processes: build, train, test, write the result."""

from __future__ import annotations

import datetime
import logging
import math
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

from poolsweep.config import RunConfig
from poolsweep.distributed.group import all_gather, known_to_lightning
from poolsweep.distributed.world import World
from poolsweep.errors import TrainingDivergedError
from poolsweep.files.writing import make_durable, own_folder, remove, remove_half_written
from poolsweep.loggers.tracker import close_loggers
from poolsweep.model.outcome import Outcome
from poolsweep.model.predictions import write_contract
from poolsweep.runs.environment import cpu_seconds, git_changes, git_commit, hardware, versions
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.identity import encoder_identity, setting_id
from poolsweep.runs.lock import RunLock
from poolsweep.runs.record_fields import CHECKED, RESULT_VERSION
from poolsweep.runs.records import fingerprints, write_result
from poolsweep.runs.secrets import recorded
from poolsweep.runs.status import StatusFile
from poolsweep.runs.stored_config import write_config
from poolsweep.tasks.temperature import FITTED, at_bound
from poolsweep.training.build import Run, build
from poolsweep.training.failure import require_room
from poolsweep.training.planned import PlannedRun
from poolsweep.training.sources import data_identity


def attempt(
    planned: PlannedRun, *, lock: RunLock | None, world: World, micro_batches: int, status: StatusFile
) -> dict[str, Any]:
    """Train one run, as one process of ``world``; what goes wrong is raised and not recorded.

    Args:
        planned: The run.
        lock: Lock of the run, held; None in a process that trains it together with the one that holds it.
        world: This process among those that train the run, which have joined.
        micro_batches: Steps that each batch is divided into.
        status: Status file, which is told how it goes.
    """
    started, clock, used = time.time(), time.monotonic(), cpu_seconds()
    config, folder = planned.config, planned.folder
    check_lock = lock.check if lock is not None else _of_the_leader
    run: Run | None = None
    finished: dict[str, Any] | None = None
    with nullcontext() if config.is_probe else known_to_lightning(world):
        try:
            if lock is not None:
                _start(planned)
            facts = facts_of(planned, started=started)
            run = build(
                config, planned.prepared, folder=folder, run_id=planned.identity, status=status, check_lock=check_lock,
                world=world, micro_batches=micro_batches,
            )  # fmt: skip
            require_room(folder.path, run.classifier, checkpoints=run.writes_checkpoints)
            outcome = run.fit(folder, status)
            seconds = time.monotonic() - clock + run.seconds_before
            cpu = sum(all_gather(cpu_seconds() - used))
            _require_finite(outcome.metrics)
            result = _result(facts, outcome, run, seconds=seconds, cpu=cpu, attempts=status.content["attempts"])
            check_lock()
            if lock is not None:
                result = _finish(folder, run, result)
            finished = result
            status.update(force=True, state="finished", metrics=outcome.metrics)
            return result
        finally:
            if run is not None:
                close_loggers(run.loggers, result=finished)


def _of_the_leader() -> None:
    """The lock is the business of the process that leads."""


def _start(planned: PlannedRun) -> None:
    folder = planned.folder
    own_folder(folder.checkpoints)
    for stale in (folder.result, folder.metrics, folder.best, *map(folder.predictions, ("validation", "test"))):
        remove(stale)
    remove_half_written(folder.path, ours=True, but_of=folder.job.name)  # of attempts before: the lock is ours
    write_config(folder.config, recorded(planned.config.content))
    write_contract(folder, planned.prepared.contract)


def _require_finite(metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise TrainingDivergedError(f"{name} of the selected weights is {value}")


def _finish(folder: RunFolder, run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """The result comes last, when all that it speaks of is on the disk: it is what makes a run a finished one."""
    for path in (folder.path / name for name in CHECKED):
        if path.exists():
            make_durable(path)
    written = write_result(folder.path, {**result, "files": fingerprints(folder.path)}, durable=True)
    run.remove_checkpoints()
    return written


def facts_of(planned: PlannedRun, *, started: float) -> dict[str, Any]:
    """What a record says of a run however it ended.

    Args:
        planned: The run.
        started: When, in seconds since the epoch.
    """
    config, prepared = planned.config, planned.prepared
    return {
        "schema_version": RESULT_VERSION,
        "run_id": planned.identity,
        "name": planned.name,
        "study": config.study,
        "seed": config.seed,
        "data": config.data_name,
        **data_identity(config.data, prepared.splits),
        "encoder": prepared.loaded.encoder.name,
        **encoder_identity(config.encoder),
        "frozen": config.frozen,
        "regime": config.regime,
        "pooling": config.pooling_name,
        "setting": setting_id(config),
        "monitor": config.monitor,
        "mode": config.mode,
        "labels": len(prepared.contract),
        "task": config.task.name,
        "measured": config.metrics,
        "split": {key.removeprefix("split_"): config.data.get(key) for key in ("split_seed", "fold", "folds")},
        "rows_asked": {key: getattr(config.rows, key) for key in ("train_rows", "rows_per_label")},
        "cautions": list(prepared.splits.cautions),
        "sizes": {split.name: len(split) for split in prepared.splits.fitted(selects=config.selects)},
        "started": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "hardware": hardware(accelerator=config.accelerator, devices=config.processes),
        "git_commit": git_commit(),
        "git_changes": git_changes(),
        **_refit_of(config),
    }


def _refit_of(config: RunConfig) -> dict[str, Any]:
    """Where the setting of a refit comes from."""
    refit = config.refit
    if refit is None:
        return {}
    return {"refit": {"of": refit.of, "runs": refit.runs, "with_validation": refit.with_validation}}


def _temperature_of(run: Run) -> dict[str, float]:
    """The temperature that validation gave; said where nothing holds it."""
    measured = run.classifier.test_metrics
    if measured.task.calibrate != FITTED:
        return {}
    temperature = measured.contract.temperature
    if note := at_bound(temperature):
        logging.getLogger("poolsweep").warning(note)
    return {"temperature": temperature}


def _result(
    facts: dict[str, Any],
    outcome: Outcome,
    run: Run,
    *,
    seconds: float,
    cpu: float,
    attempts: int,
) -> dict[str, Any]:
    return {
        **facts,
        "status": "finished",
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "attempts": attempts,
        **asdict(outcome),
        **_temperature_of(run),
        **{fact: {name: round(value, 6) for name, value in of.items()} for fact, of in run.text_facts.items()},
    }

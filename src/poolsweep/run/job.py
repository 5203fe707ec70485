"""One job: a composed config in, a run folder out."""

from __future__ import annotations

import datetime
import logging
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from poolsweep.build import Prepared, Run, build, data_name, pooling_label, prepare
from poolsweep.config import resolve, validate
from poolsweep.device import accelerator_type
from poolsweep.errors import RefusedError, UserError
from poolsweep.probe.run import ProbeOutcome, ProbeRun, solve
from poolsweep.quiet import quiet_third_parties
from poolsweep.run.environment import git_commit, hardware, versions
from poolsweep.run.files import write_json, write_whole
from poolsweep.run.folder import RESULT_VERSION, RunFolder
from poolsweep.run.identity import run_id, variant_id
from poolsweep.run.status import StatusFile
from poolsweep.train import Outcome, close_loggers, train


def checked(config: DictConfig) -> tuple[dict[str, Any], Prepared]:
    """Resolve, validate and load, naming every problem at once.

    Raises:
        UserError: With all problems of config, files, labels and encoder.
    """
    content = resolve(config)
    problems: list[str] = []
    try:
        validate(content)
    except RefusedError:
        raise
    except UserError as error:
        problems += error.problems
    try:
        return content, _raise_if(problems, prepare(content))
    except UserError as error:
        raise UserError(*dict.fromkeys([*problems, *error.problems])) from error
    except Exception as error:  # an invalid config may break the loading; what validation found says why
        if problems:
            raise UserError(*problems) from error
        raise


def _raise_if(problems: list[str], prepared: Prepared) -> Prepared:
    if problems:
        raise UserError(*problems)
    return prepared


def folder_of(content: Mapping[str, Any]) -> tuple[RunFolder, str]:
    """The folder and the identity of a run."""
    identity = run_id(content, accelerator=accelerator_type(content["trainer"]["accelerator"]))
    return RunFolder(Path(content["output_root"]) / content["study"] / identity), identity


def run_job(config: DictConfig) -> dict[str, Any]:
    """Run one job, unless it is finished already.

    In a sweep nothing is raised but an interruption: what went wrong stands in the run folder, and the others go on.

    Args:
        config: Composed by Hydra.
    Raises:
        UserError: In a single run, for a user's mistake.
    """
    quiet_third_parties()
    sweeping = HydraConfig.get().mode is RunMode.MULTIRUN
    content, prepared = checked(config)
    folder, identity = folder_of(content)
    done = folder.finished()
    if done is not None:
        return done
    name = " ".join(o for o in HydraConfig.get().overrides.task if not o.startswith(("study=", "experiment=")))
    try:
        return execute(content, prepared, folder=folder, identity=identity, name=name)
    except Exception:
        if not sweeping:
            raise
        return {"status": "failed", "run_id": identity}


def execute(
    content: dict[str, Any], prepared: Prepared, *, folder: RunFolder, identity: str, name: str
) -> dict[str, Any]:
    """Train one run in its folder and write its result, or its failure.

    Args:
        content: Resolved and validated config.
        prepared: What it reads.
        folder: Where it writes; what an unfinished attempt left is replaced.
        identity: Its run id.
        name: What a person calls it.
    """
    started = time.time()
    _start(folder, content, prepared)
    status = StatusFile(folder, name=name, run_id=identity)
    status.update(force=True)
    facts = _facts(content, prepared, identity=identity, name=name, started=started)
    run: Run | ProbeRun | None = None
    succeeded = False
    with _log_to(folder):
        try:
            run = build(content, prepared, folder=folder, run_id=identity, status=status)
            if isinstance(run, ProbeRun):
                outcome = solve(run, folder=folder, status=status)
            else:
                outcome = train(run, folder=folder)
            result = _result(facts, outcome, run, seconds=time.time() - started)
            write_json(folder.result, result)
            succeeded = True
            status.update(force=True, state="finished", metrics=outcome.metrics)
            return result
        except (KeyboardInterrupt, SystemExit):
            status.update(force=True, state="interrupted")
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
            logging.getLogger("poolsweep").error(traceback.format_exc())
            write_json(folder.result, {**facts, "status": "failed", "reason": reason})
            status.update(force=True, state="failed", reason=reason)
            raise
        finally:
            if run is not None:
                close_loggers(run.trainer.loggers, succeeded=succeeded)


def _start(folder: RunFolder, content: Mapping[str, Any], prepared: Prepared) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    for stale in (folder.metrics, folder.result, folder.log, folder.best):
        stale.unlink(missing_ok=True)
    with write_whole(folder.config) as temporary:
        temporary.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True), encoding="utf-8")
    write_json(folder.labels, prepared.labels.to_mapping())


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
    }


def _result(
    facts: dict[str, Any], outcome: Outcome | ProbeOutcome, run: Run | ProbeRun, *, seconds: float
) -> dict[str, Any]:
    return {
        **facts,
        "status": "finished",
        "seconds": round(seconds, 3),
        **asdict(outcome),
        "truncated_share": {name: round(share, 6) for name, share in run.truncated_share.items()},
    }


@contextmanager
def _log_to(folder: RunFolder) -> Iterator[None]:
    """Send log lines and warnings of the run to its folder."""
    handler = logging.FileHandler(folder.log, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("poolsweep", "pytorch_lightning", "py.warnings")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()

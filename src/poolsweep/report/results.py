"""Reads the runs of a study: what each says of itself, and where it lies."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from poolsweep.config.node import Node
from poolsweep.report.distinct_names import distinct_names
from poolsweep.report.predicted import read_predictions
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.records import (
    RESULT,
    SMALL,
    STATUS,
    DamagedError,
    OddRecordError,
    missing_file,
    read_checked,
    read_result,
    read_status,
)
from poolsweep.runs.stored_config import OddConfigError, parse_config

DAMAGED = "damaged"
_NAMED = 5
_TOLERANCE = 1e-3  # of float32, and of logits that a softmax makes equal; as a share of what is above 1


@dataclass(frozen=True)
class RunRecord:
    """One run as its folder tells it.

    Attributes:
        path: The run folder.
        facts: The content of ``result.json``; of ``status.json`` for a run that has no result.
        copies: The same run, finished in other studies too: it counts once.
        kept: What has been read of it and is read again.
    """

    path: Path
    facts: Mapping[str, Any]
    copies: tuple[RunRecord, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def state(self) -> str:
        """Finished, failed, running, interrupted, or damaged: finished, and not to be relied on."""
        return str(self.facts.get("status") or self.facts.get("state") or "unknown")

    @property
    def finished(self) -> bool:
        """Whether it has a result that counts."""
        return self.state == "finished"

    @property
    def is_known(self) -> bool:
        """Whether it says which contender it belongs to: an unfinished run does not."""
        return all(key in self.facts for key in ("data", "encoder", "pooling", "regime", "seed", "setting"))

    @property
    def is_refit(self) -> bool:
        """Whether it fits a setting that others chose, for use: it competes with nobody."""
        return bool(self.facts.get("refit"))

    @property
    def folder(self) -> RunFolder:
        """Names of its files."""
        return RunFolder(self.path)

    @cached_property
    def config(self) -> Node:
        """Its resolved config; empty where that cannot be read."""
        try:
            return parse_config(read_checked(self.path, self.folder.config.name, self.facts))
        except (DamagedError, OddConfigError):
            return Node({})

    def metric(self, name: str) -> float:
        """One of its metrics (``test/accuracy``); nan where it has none."""
        value = (self.facts.get("metrics") or {}).get(name)
        return float(value) if isinstance(value, int | float) else math.nan


def load_runs(studies: Iterable[Path], *, with_refits: bool = False) -> list[RunRecord]:
    """Every run of some studies, ordered by run id; a run that lies in two of them counts once.

    Of a run that finished in several, the one of the study named first counts. No score decides which: the same run may
    end a little differently on another machine.

    Data sets and encoders of different content have different names; see :func:`distinct_names`.

    Args:
        studies: ``<output_root>/<study>`` each.
        with_refits: Whether refits, which compete with nobody, are among them.
    """
    found: dict[str, list[RunRecord]] = defaultdict(list)
    for study in studies:
        for path in _run_folders(study):
            if record := _read(path):
                found[path.name].append(record)
    records = [_counted(found[name]) for name in sorted(found)]
    named = zip(records, distinct_names([record.facts for record in records]), strict=True)
    named_records = [replace(record, facts=facts) for record, facts in named]
    return [record for record in named_records if with_refits or not record.is_refit]


def _counted(same: Sequence[RunRecord]) -> RunRecord:
    """The first of them that finished, else the last; with those that finished too."""
    finished = [record for record in same if record.finished]
    return replace(finished[0], copies=tuple(finished[1:])) if finished else same[-1]


def load_results(study: Path) -> list[dict[str, Any]]:
    """The ``result.json`` of every run of a study that finished, ordered by run id.

    Args:
        study: ``<output_root>/<study>``.
    """
    return [dict(run.facts) for run in load_runs([study]) if run.finished]


def damaged_note(runs: Iterable[RunRecord]) -> str:
    """One sentence that names the runs which are left out since they cannot be relied on; empty if there are none."""
    found = [
        f"{run.facts.get('name')} ({run.path.name}: {run.facts['reason']})" for run in runs if run.state == DAMAGED
    ]
    if not found:
        return ""
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    what = (
        "1 damaged run is left out; train runs it"
        if len(found) == 1
        else f"{len(found)} damaged runs are left out; train runs them"
    )
    return f"{what} again: {'; '.join(found[:_NAMED])}{more}."


def refit_lines(runs: Iterable[RunRecord]) -> list[str]:
    """A sentence about each finished refit.

    Args:
        runs: Runs of some studies, refits among them.
    """
    lines = []
    for run in (run for run in runs if run.is_refit and run.finished):
        refit, rows = run.facts["refit"], (run.facts.get("sizes") or {}).get("train", 0)
        which = "training and validation rows" if refit["with_validation"] else "training rows"
        lines.append(
            f"Refit of {refit['of']} on all {rows:,} {which}: {run.path}. It is no contender: its setting was chosen "
            f"from {len(refit['runs'])} run{'s' * (len(refit['runs']) != 1)}."
        )
    return lines


def _run_folders(study: Path) -> list[Path]:
    """Folders of runs, those that may not be looked into too."""
    with os.scandir(study) as entries:
        names = sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
    return [study / name for name in names if _may_be_run(study / name)]


def _may_be_run(path: Path) -> bool:
    try:
        return os.path.lexists(path / RESULT) or os.path.lexists(path / STATUS) or not os.access(path, os.X_OK)
    except OSError:
        return True


def _read(path: Path) -> RunRecord | None:
    facts: dict[str, Any] = {"name": path.name}
    try:
        result = read_result(path)
        if result is None:
            status = read_status(path)
            return RunRecord(path, status) if status else None
        facts, record = result, RunRecord(path, result)
        if record.finished:
            _require_whole(record)
    except (OddRecordError, DamagedError) as error:
        return RunRecord(path, facts | {"status": DAMAGED, "reason": str(error)})
    return record


def _require_whole(run: RunRecord) -> None:
    """Look whether a finished run has what its result speaks of, and the metrics that its test predictions give.

    Raises:
        DamagedError: If not.
    """
    missing = missing_file(run.path, run.facts)
    if missing is not None:
        raise DamagedError(missing)
    for name in set(SMALL) & (run.facts.get("files") or {}).keys():
        read_checked(run.path, name, run.facts)
    predicted = read_predictions(run)
    if predicted is None:
        return
    for name, value in predicted.recomputed().items():
        recorded = run.metric(f"test/{name}")
        if abs(recorded - value) > _TOLERANCE * max(1.0, abs(value)):
            raise DamagedError(f"{RESULT} says test/{name} {recorded:.4f}, and its predictions give {value:.4f}")

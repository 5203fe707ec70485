"""Reads the runs of a study: what each says of itself, and where it lies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from poolsweep.report.named_apart import named_apart
from poolsweep.run.files import read_json
from poolsweep.run.folder import RunFolder

_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it


@dataclass(frozen=True)
class RunRecord:
    """One run as its folder tells it.

    Attributes:
        path: The run folder.
        facts: The content of ``result.json``; of ``status.json`` for a run that has no result.
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def state(self) -> str:
        """Finished, failed, running or interrupted."""
        return str(self.facts.get("status") or self.facts.get("state") or "unknown")

    @property
    def finished(self) -> bool:
        """Whether it has a result that counts."""
        return self.state == "finished"

    @property
    def is_known(self) -> bool:
        """Whether it says which contender it belongs to: an unfinished run does not."""
        return all(key in self.facts for key in ("data", "encoder", "pooling", "seed", "variant"))

    @property
    def folder(self) -> RunFolder:
        """Names of its files."""
        return RunFolder(self.path)

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its resolved config; empty where that cannot be read."""
        try:
            content = yaml.load(self.folder.config.read_text(encoding="utf-8"), _YAML)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return {}
        return content if isinstance(content, dict) else {}

    def metric(self, name: str) -> float:
        """One of its metrics (``test/accuracy``); nan where it has none."""
        value = (self.facts.get("metrics") or {}).get(name)
        return float(value) if isinstance(value, int | float) else math.nan


def load_runs(studies: Iterable[Path]) -> list[RunRecord]:
    """Every run of some studies, ordered by run id; a run that lies in two of them counts once.

    Data sets and encoders of different content have different names; see :func:`named_apart`.

    Args:
        studies: ``<output_root>/<study>`` each.
    """
    found: dict[str, RunRecord] = {}
    for study in studies:
        for path in sorted({p.parent for name in ("result.json", "status.json") for p in study.glob(f"*/{name}")}):
            record = _read(path)
            if record is not None and (path.name not in found or not found[path.name].finished):
                found[path.name] = record
    records = [found[name] for name in sorted(found)]
    return [RunRecord(r.path, facts) for r, facts in zip(records, named_apart([r.facts for r in records]), strict=True)]


def load_results(study: Path) -> list[dict[str, Any]]:
    """The ``result.json`` of every run of a study that finished, ordered by run id.

    Args:
        study: ``<output_root>/<study>``.
    """
    return [dict(run.facts) for run in load_runs([study]) if run.finished]


def _read(path: Path) -> RunRecord | None:
    for file in (RunFolder(path).result, RunFolder(path).status):
        content = read_json(file)
        if isinstance(content, dict):
            return RunRecord(path, content)
    return None

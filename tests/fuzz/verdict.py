"""Whether what a command line did is right: refused, failed by name, or done as typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from asked import expected_configs, is_told, unknown_keys, wrong_types
from forks import Ended
from lines import Line
from written import GOOD, read_rows

_TRACES = ("Traceback (most recent call last)", "HYDRA_FULL_ERROR", "Error executing job", "Exception ignored in",
           "Segmentation fault", "core dumped", "Fatal Python error")  # fmt: skip
_NO_RESULT = ("retry", "on_failure", "run_timeout_minutes", "checkpoint", "features", "logger", "trusted",
              "data.num_workers", "trainer.log_every_n_steps", "trainer.on_oom")  # fmt: skip
_OURS = {"outputs", "cache", "home", "tmp", "page", "page.html"}
_OF_INIT = {"README.md", "conf", "my_poolings.py"}  # of poolsweep init, which writes where it is typed


@dataclass(frozen=True)
class Place:
    """The folder a line was typed in.

    Attributes:
        folder: It.
        before: Names of what lay there before.
    """

    folder: Path
    before: frozenset[str]

    def runs(self) -> Iterator[Path]:
        """Folders of the runs below any folder of outputs there."""
        for path in sorted(self.folder.rglob("status.json")):
            yield path.parent


def wrong(line: Line, ended: Ended, place: Place) -> list[str]:
    """What is not right about how a line ended; none if it is all right.

    Args:
        line: What was typed.
        ended: How it ended.
        place: Where.
    """
    if ended.status is None:
        return ["hangs"]
    problems = [f"{where} holds {trace!r}" for where, text in (("stdout", ended.out), ("stderr", ended.err))
                for trace in _TRACES if trace in text]  # fmt: skip
    if ended.status not in (0, 1, 2):
        return [*problems, f"ends with status {ended.status}"]
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", ended.err + ended.out):
        problems.append("sends control characters to the terminal")
    problems += _strangers(line, place)
    if ended.status == 2:
        problems += _refusal(ended, place) if line.verb == "train" else _last_line(ended)
    elif ended.status == 1:
        problems += _failure(line, ended, place)
    elif line.verb == "train":
        problems += _done(line, place)
    return problems


def _last_line(ended: Ended) -> list[str]:
    lines = ended.err.strip("\n").splitlines() or [""]
    return [] if lines[-1].startswith("poolsweep: ") and len(lines[-1]) > 20 else [f"is refused by {lines[-1]!r}"]


def _refusal(ended: Ended, place: Place) -> list[str]:
    problems = _last_line(ended)
    begun = [path.name for path in place.runs() if _json(path / "status.json").get("state") in {"running", "finished"}]
    return [*problems, f"is refused, and runs were begun: {begun}"] if begun else problems


def _failure(line: Line, ended: Ended, place: Place) -> list[str]:
    said = (ended.err + ended.out).strip()
    problems = [] if said else ["fails without a word"]
    if line.verb != "train":
        return problems
    for path in place.runs():
        status, result = _json(path / "status.json"), _json(path / "result.json")
        if status.get("state") in {"running", "interrupted"}:
            problems.append(f"failed, and a run is still {status['state']}")
        reason = str(status.get("reason") or result.get("reason") or "")
        if status.get("state") == "failed" and not re.search(r"\w.*\w.*\w", reason.partition(":")[2] or reason):
            problems.append(f"failed for the reason {reason!r}")
    return problems


def _done(line: Line, place: Place) -> list[str]:
    """What is not as typed in what the line ran."""
    if set(line.arguments) & {"--cfg", "--info", "-h", "--help", "--version", "-c", "--hydra-help"}:
        return []
    problems, ran = [], []
    for path in place.runs():
        if _json(path / "result.json").get("status") != "finished":
            continue
        config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
        ran.append(config)
        problems += _labels(path, config, place.folder)
    if not ran:
        return ["ends well, and no run finished"]
    if not is_told(line):
        return problems
    for expected in expected_configs(line):
        differing = min((_differing(expected, config) for config in ran), key=len)
        if config_folds(expected):  # each fold is a run
            differing.pop("data.fold", None)
        if line.is_sweep:  # points that differ in what changes no result are one run
            differing = {key: values for key, values in differing.items() if not f"{key}.".startswith(_NO_RESULT)}
        if differing:
            problems.append(f"ran something else than typed: {differing}")
    problems += [f"takes the unknown key {key}" for key in unknown_keys(line)]
    return [*problems, *(p for config in ran for p in wrong_types(line, config))]


def config_folds(expected: dict[str, Any]) -> bool:
    """Whether a line asks for folds."""
    return bool((expected.get("data") or {}).get("folds"))


def _written(label: Any, config: dict[str, Any]) -> Any:
    """A label of a predictions file as the data file has it."""
    separator = (config.get("task") or {}).get("separator") or "|"
    return separator.join(label) if isinstance(label, list) else label


def _labels(path: Path, config: dict[str, Any], folder: Path) -> list[str]:
    """Labels of predictions that are not those of the file, if it is one that lines are typed beside."""
    data = config["data"]
    file = folder / str(data.get("train"))
    if file.name not in GOOD:
        return []
    rows = read_rows(file)
    wrong_rows = []
    for split in ("validation", "test"):
        given = read_rows(folder / str(data[split])) if data.get(split) else rows
        table = pq.read_table(path / f"predictions-{split}.parquet", columns=["row_id", "label"]).to_pylist()
        wrong_rows += [row for row in table if given[row["row_id"]][data["label"]] != _written(row["label"], config)]
    return [f"labels are not those of {file.name}: {wrong_rows[:2]}"] if wrong_rows else []


def _strangers(line: Line, place: Place) -> list[str]:
    """What was written where nothing should be."""
    named = " ".join(line.arguments)
    new = {path.name for path in place.folder.iterdir()} - place.before - _OURS
    new -= _OF_INIT if line.verb == "init" else set()
    return [f"wrote {name}" for name in sorted(new) if name not in named]


def _differing(expected: Any, found: Any, at: str = "") -> dict[str, Any]:
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = [*expected, *(key for key in found if key not in expected)]
        inside = [_differing(expected.get(k, "absent"), found.get(k, "absent"), f"{at}.{k}".lstrip(".")) for k in keys]
        return {key: value for one in inside for key, value in one.items()}
    same = json.dumps(expected, default=str, sort_keys=True) == json.dumps(found, default=str, sort_keys=True)
    return {} if same else {at: (expected, found)}


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

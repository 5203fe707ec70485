"""A study as a run of its own in W&B: its leaderboard as a table, and its report's page."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolsweep.config import Node, RunConfig
from poolsweep.runs.plan import read_skipped
from poolsweep.runs.secrets import redacted, without_secrets
from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import silent

if TYPE_CHECKING:
    from wandb import Run

KIND = "study"
_TARGET = "poolsweep.loggers.wandb.WandbRun"
_SCORE = "mean ± 95% interval"
_SECONDS_TO_BEGIN = 30.0
_NAME_LENGTH = 120


def track_study(study: Path, configs: Iterable[RunConfig], *, console: Console) -> None:
    """Bring the study's own W&B run up to date, if its runs are tracked there; what keeps it from that is said.

    There is one such run per study and output root: offline it replaces the one before, online it is resumed. The page
    that it carries shows no texts.

    Args:
        study: Folder of the study, whose ``leaderboard.csv`` has been written.
        configs: Configs of its runs.
        console: Console to print to.
    """
    node = next((node for config in configs for node in config.loggers.values() if node.target == _TARGET), None)
    if node is None:
        return
    try:
        from poolsweep.loggers.wandb import in_sweep, mode

        if in_sweep() or mode() == "disabled":
            return
        _write(study, node, mode=mode())
    except Exception as error:  # of a server, a disk, a library: the runs stand, and so does the leaderboard
        said = redacted((str(error).strip() or type(error).__name__).splitlines()[0])
        console.say(f"note: W&B has not been told of the study as a whole: {said}; the same command tries again")


def study_id(study: Path) -> str:
    """W&B's id of a study's own run, which follows from where the study lies.

    Args:
        study: Folder of the study.
    """
    return KIND + hashlib.sha256(str(study.resolve()).encode()).hexdigest()[:12]


def _write(study: Path, node: Node, *, mode: str) -> None:
    import wandb

    rows = _leaderboard(study / "leaderboard.csv")
    if not rows:
        return
    home = study / "wandb" / "study-report"
    page = _page(study, home)
    if "weave" not in sys.modules:  # as in WandbRun
        os.environ.setdefault("WANDB_DISABLE_WEAVE", "true")
    offline = mode in ("offline", "dryrun")
    if offline:
        _forget_unsent(study)
    given: dict[str, Any] = {
        "project": node["project"], "entity": node.get("entity"), "tags": [study.name[:64]], "dir": str(study),
        "config": without_secrets({"study": study.name, "folder": str(study)}),
    }  # fmt: skip
    settings = wandb.Settings(silent=True, console="off", init_timeout=_SECONDS_TO_BEGIN)
    how: dict[str, Any] = {"mode": mode, "resume": None if offline else "allow", "reinit": "create_new"}
    run = wandb.init(id=study_id(study), name=study.name, job_type=KIND, settings=settings, **given, **how)
    try:
        _tell(run, study, rows, page)
    except BaseException:
        run.finish(exit_code=1)
        raise
    run.finish()


def _tell(run: Run, study: Path, rows: list[dict[str, str]], page: Path) -> None:
    import wandb

    columns: list[Any] = list(rows[0])
    run.log(
        {"leaderboard": wandb.Table(columns=columns, data=[[_cell(row[name]) for name in columns] for row in rows])}
    )
    run.summary.update({"contenders": len(rows), "best": _best(rows), "skipped": [s.name for s in read_skipped(study)]})
    artifact = wandb.Artifact(re.sub(r"[^\w.-]+", "-", study.name)[:_NAME_LENGTH] + "-report", type="report")
    artifact.add_file(str(page), name="report.html", policy="immutable")  # no second copy: it stays where it is
    run.log_artifact(artifact)


def _leaderboard(path: Path) -> list[dict[str, str]]:
    """The rows of a study's leaderboard, each with its score and interval in one cell beside all that it has."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [dict(row) for row in csv.DictReader(file)]
    return [{_SCORE: _score(row), **row} for row in rows]


def _score(row: Mapping[str, str]) -> str:
    cells = list(row.values())
    mean, half_width = cells[list(row).index("sd") - 1], row["ci95_half_width"]  # its name is the metric's
    return " ± ".join(f"{float(number):.4f}" for number in (mean, half_width) if number)


def _best(rows: list[dict[str, str]]) -> str:
    """The first row of each data set and number of training rows, which has the highest mean."""
    firsts: dict[str, dict[str, str]] = {}
    for row in rows:
        firsts.setdefault(" ".join(filter(None, (row["data"], row["rows"]))), row)
    return "; ".join(f"{data}: {row['name']} {row[_SCORE]}" for data, row in firsts.items())


def _cell(text: str) -> Any:  # noqa: ANN401
    """A number where the cell is one; None where it is empty."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _page(study: Path, folder: Path) -> Path:
    """The report's page, without texts: it leaves the machine."""
    from poolsweep.report.command import write_report
    from poolsweep.report.leaderboard import compare_all
    from poolsweep.report.results import load_runs

    with silent(progress=True, answers=True):
        runs = load_runs([study])
        given = {"heading": study.name, "with_texts": False, "skipped": read_skipped(study)}
        return write_report(compare_all(runs), runs, folder=folder, **given)


def _forget_unsent(study: Path) -> None:
    """Offline, each time is a folder; the present one holds all, and replaces those that have not been sent."""
    for earlier in study.glob(f"wandb/offline-run-*-{study_id(study)}"):
        if not any(earlier.glob("*.synced")):
            shutil.rmtree(earlier, ignore_errors=True)

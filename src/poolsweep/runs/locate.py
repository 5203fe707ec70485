"""Finds the folder of a study by its name or its path."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from poolsweep.errors import UserError, did_you_mean, nearest


def output_root() -> Path:
    """Where studies lie unless a config says otherwise: ``POOLSWEEP_OUTPUTS``, or ``outputs``."""
    return Path(os.environ.get("POOLSWEEP_OUTPUTS") or "outputs")


def all_studies() -> list[Path]:
    """The folders of all studies in the output root, at least one.

    Raises:
        UserError: If there is none.
    """
    root = output_root()
    if not (studies := _studies_in(root)):
        raise UserError(f"{root} holds no study yet; poolsweep train makes one")
    return studies


def _studies_in(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] != ".") if root.is_dir() else []


def find_study(name: str | Path, *, begun: bool = True) -> Path:
    """The folder of a study.

    Args:
        name: Name under the output root, or a path.
        begun: Whether it must hold a run already.
    Raises:
        UserError: If there is no such folder, or it holds no run.
    """
    root = output_root()
    candidates = [root / name, Path(name)] if Path(name).name == str(name) else [Path(name)]
    for path in candidates:
        if path.is_dir() and (not begun or _holds_runs(path)):
            return path
    if len(Path(name).parts) > 1 and (hint := _run_beside(Path(name))):
        raise UserError(f"{name} does not exist{hint}")
    there = [path.name for path in _studies_in(root)]
    if any(path.is_dir() for path in candidates):
        raise UserError(f"{name} holds no runs: a study is a folder of run folders, outputs/STUDY")
    hint = nearest(Path(name).name, there) if there else "there are none yet: poolsweep train makes one"
    raise UserError(f"there is no study {name} in {root}; {hint}")


def _run_beside(path: Path) -> str:
    """The end of a sentence about the folder of a run that does not exist: what was meant; empty where none is near."""
    if (output_root() / path).is_dir():
        return f"; did you mean {output_root() / path}?"
    for study in (path.parent, output_root() / path.parent):
        if study.is_dir() and (hint := did_you_mean(path.name, (one.name for one in study.iterdir() if one.is_dir()))):
            return hint
    return ""


def _holds_runs(study: Path) -> bool:
    return any(True for file in ("result.json", "status.json") for _ in study.glob(f"*/{file}"))


def typed_name(study: Path) -> str:
    """What to type for a study: its name if that finds it, else its path."""
    return study.name if output_root().absolute() == study.parent.absolute() else str(study)


def argument_for(study: Path) -> str:
    """What to type for a study, quoted where a shell needs it."""
    return shlex.quote(typed_name(study))

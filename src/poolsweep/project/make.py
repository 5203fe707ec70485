"""Writes a small project of a user's own: configs, a pooling, a Slurm profile, a page that says how it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from poolsweep.errors import UserError

TEMPLATE = Path(__file__).parent / "template"


def make_project(folder: Path) -> list[Path]:
    """Write the files of the template.

    Args:
        folder: Folder of the project, made if it is not there.
    Returns:
        What was written, relative to the folder.
    Raises:
        UserError: If one of the files is there already; nothing is written then.
    """
    files = sorted(path.relative_to(TEMPLATE) for path in TEMPLATE.rglob("*") if path.is_file() and _belongs(path))
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give a folder")
    there = next((folder / file for file in files if (folder / file).exists()), None)
    if there is not None:
        raise UserError(f"{there} is there already, and nothing was written; give another folder")
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(TEMPLATE / file, folder / file)
    return files


def _belongs(path: Path) -> bool:
    return "__pycache__" not in path.parts

"""Sends an export to the Hugging Face hub, and says first what that is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import validate_repo_id

from poolsweep.errors import UserError
from poolsweep.predict.export_record import RECORD, is_export
from poolsweep.terminal.text import in_one_line


class Hub(Protocol):
    """The two calls that are made, as ``HfApi`` has them."""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> object:
        """Make a repository, unless there is one."""
        ...

    def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> object:
        """Send all files of a folder as one commit."""
        ...


@dataclass(frozen=True)
class Push:
    """What would be sent where.

    Attributes:
        folder: An export.
        repo: ``user/name`` or ``organisation/name``.
        public: Whether a new repository is one that everybody can read.
    """

    folder: Path
    repo: str
    public: bool = False

    @property
    def lines(self) -> Iterator[str]:
        """The files with their sizes, and where they go."""
        files = _files(self.folder)
        total = sum(size for _, size in files)
        seen = "public" if self.public else "private"
        place = f"https://huggingface.co/{self.repo} ({seen} if it is new)"
        yield f"{self.folder}: {len(files)} files, {_size(total)}, to {place}"
        yield from (f"  {_size(size):>9}  {in_one_line(name)}" for name, size in files)

    def send(self, connect: Callable[[], Hub] = HfApi) -> None:
        """Make the repository if there is none, and send the files.

        Args:
            connect: Makes what talks to the hub.
        Raises:
            UserError: If the hub refuses, or cannot be reached.
        """
        hub = connect()
        try:
            hub.create_repo(self.repo, private=not self.public, exist_ok=True)
            hub.upload_folder(repo_id=self.repo, folder_path=str(self.folder), commit_message="Exported by poolsweep")
        except (HfHubHTTPError, OSError, ValueError) as error:  # not found, not allowed, no token, no network
            why = in_one_line(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
            raise UserError(
                f"--push {self.repo}: the hub did not take it: {why}; hf auth login gives a token"
            ) from error


def check_repo(repo: str) -> None:
    """Refuse what cannot be the name of a repository, and to send anything where the hub is switched off.

    Args:
        repo: What was typed.
    Raises:
        UserError: With what to type.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UserError(f"--push={repo} is no repository's name; give it as user/name") from error
    if "/" not in repo:
        raise UserError(f"--push={repo} must say whose it is: user/{repo}")
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}:
        raise UserError("--push needs the hub, and HF_HUB_OFFLINE is set")


def require_export(folder: Path) -> None:
    """Refuse a folder that is no export.

    Args:
        folder: What was typed.
    Raises:
        UserError: If it is none, or holds links.
    """
    if not is_export(folder):
        raise UserError(f"{folder} is no export: it has no {RECORD}; give --to and --output to make one")
    if link := next((path for path in folder.rglob("*") if path.is_symlink()), None):
        raise UserError(f"{link} is a link, and what it points to is not sent")


def _files(folder: Path) -> list[tuple[str, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"

"""``poolsweep clean``: says what can be removed and how much it is; with ``--yes``, removes it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from filelock import FileLock, Timeout

from poolsweep.data.cache import cache_dir
from poolsweep.errors import UserError
from poolsweep.runs.locate import output_root
from poolsweep.runs.lock import RunLock
from poolsweep.sweep.status import RunStatus, State, study_status
from poolsweep.terminal.console import Console

REMOVABLE: tuple[State, ...] = ("finished", "failed", "pruned", "interrupted", "damaged")
_AT_WORK: tuple[State, ...] = ("running", "queued", "requeued")
_RUN_ID = re.compile(r"[0-9a-f]{12}")
_CACHED = re.compile(r"[0-9a-f]{32}")
_OF_A_STUDY = {
    "leaderboard.csv", "planned.json", "race.json", "optuna.json", "optuna.journal", "trials.csv", "report",
    "tensorboard", "mlflow", "trackio", "wandb", "wandb.json",
}  # fmt: skip


@dataclass(frozen=True)
class Removable:
    """Something that poolsweep wrote, and can be done without.

    Attributes:
        kind: The name of its kind: features, cache, run or study.
        name: What a person knows it by; what has the same name is listed in one line.
        path: The file or folder.
        lock: What is held while it is removed; gives whether nobody else is at work there. None = nobody can be.
    """

    kind: str
    name: str
    path: Path
    lock: Callable[[], bool] | None = None

    @property
    def size(self) -> int:
        """Bytes on the disk; links are not followed."""
        files = [self.path, *self.path.rglob("*")] if self.path.is_dir() and not self.path.is_symlink() else [self.path]
        return sum(file.lstat().st_size for file in files if not file.is_dir() or file.is_symlink())

    def remove(self) -> bool:
        """Remove it; False if another process is at work there."""
        if self.lock is not None and not self.lock():
            return False
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)
        return True


def run_clean(
    study: Path | None, *, states: Sequence[str], features: bool, cache: bool, yes: bool, console: Console
) -> int:
    """Say what would be removed, or remove it; returns the exit status, 1 if something is in use.

    Args:
        study: Folder of a study; None = no run is removed.
        states: States of the runs that are meant; none = the whole study.
        features: Whether stored features of frozen encoders are meant.
        cache: Whether rows and tokenised texts are meant.
        yes: Whether to remove.
        console: Console for what is said.
    Raises:
        UserError: If a whole study is meant, and runs of it are at work.
    """
    nothing_named = study is None and not features and not cache
    found = list(_stored_features()) if features or nothing_named else []
    found += _cached() if cache or nothing_named else []
    found += [] if study is None else _of_study(study, states)
    sizes = [one.size for one in found]
    for (kind, name), group in groupby(zip(found, sizes, strict=True), key=lambda pair: (pair[0].kind, pair[0].name)):
        of_group = [size for _, size in group]
        several = f", {len(of_group)} folders" if len(of_group) > 1 else ""
        console.say(f"{kind:<9} {_in_words(sum(of_group)):>9}  {name}{several}", hang=21)
    total = _in_words(sum(sizes))
    if not found:
        console.say("there is nothing to remove")
    elif nothing_named:
        console.say(f"{total} in all; poolsweep clean --features --cache --yes removes it, and later runs make it anew")
    elif not yes:
        console.say(f"{total} in all; --yes removes it")
    else:
        return _removed(found, study, total=total, console=console)
    return 0


def _removed(found: Sequence[Removable], study: Path | None, *, total: str, console: Console) -> int:
    left = [one for one in found if not one.remove()]
    if study is not None and study.is_dir() and not left:
        with suppress(OSError):  # what else lies there is not ours
            study.rmdir()
    console.say(f"removed {len(found) - len(left)} of {len(found)}" + ("" if left else f", {total}"))
    for one in left:
        console.say(f"left, since another process is at work there: {one.path}", hang=4)
    return 1 if left else 0


def _stored_features() -> Iterator[Removable]:
    for folder in sorted((output_root() / ".features").glob("*")):
        if folder.is_dir() and not folder.is_symlink():
            yield Removable("features", folder.name, folder, _free(folder / ".lock"))


def _cached() -> Iterator[Removable]:
    for place in sorted(path for path in cache_dir().glob("*") if path.is_dir() and not path.is_symlink()):
        for folder in sorted(path for path in place.iterdir() if _CACHED.fullmatch(path.name)):
            yield Removable("cache", place.name, folder, _free(place / f".{folder.name}.lock"))


def _free(lock: Path) -> Callable[[], bool]:
    """Whether nobody holds a lock."""

    def free() -> bool:
        try:
            with FileLock(lock, timeout=0):
                return True
        except Timeout:
            return False

    return free


def _of_study(study: Path, states: Sequence[str]) -> list[Removable]:
    status = study_status(study)
    runs = [run for run in (*status.runs, *status.refits) if _RUN_ID.fullmatch(run.run_id)]
    if states:
        return [_run(study, run) for run in runs if run.state in states]
    at_work = [run for run in runs if run.state in _AT_WORK]
    if at_work or status.planning:
        raise UserError(
            f"{study} has {len(at_work)} runs that are running or queued; wait for them, or name others: --runs failed"
        )
    others = (path for path in sorted(study.iterdir()) if path.name.startswith(".") or path.name in _OF_A_STUDY)
    begun = (run for run in runs if run.state != "missing")
    return [*(_run(study, run) for run in begun), *(Removable("study", path.name, path) for path in others)]


def _run(study: Path, run: RunStatus) -> Removable:
    folder = study / run.run_id
    return Removable("run", f"{run.run_id}  {run.state}  {run.name}", folder, lambda: RunLock(folder).acquire())


def _in_words(size: int) -> str:
    """Bytes in the largest unit that leaves at least one.

    Example:
        >>> _in_words(0), _in_words(2048), _in_words(5 * 2**30)
        ('0 KiB', '2 KiB', '5.0 GiB')
    """
    if size < 2**20:
        return f"{size / 2**10:.0f} KiB"
    return f"{size / 2**20:.1f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"

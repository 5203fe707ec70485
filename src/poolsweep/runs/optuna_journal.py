"""The file that remembers the trials of ``sweep=optuna``: Optuna's journal, with a lock that ends with its process."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock


def open_journal(path: Path) -> JournalStorage:
    """Open or make a journal; several processes may.

    Args:
        path: ``optuna.journal`` in a study's folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_JournalLock(path)))


def journal_of(study: Path) -> Path:
    """The journal of a study's folder."""
    return study / "optuna.journal"


class _JournalLock(BaseJournalFileLock):
    """Optuna's own locks outlive a process that is killed; and a line that it left half written would end all reading.

    Args:
        path: The journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))

    def acquire(self) -> bool:
        """Wait for the lock, and take away a last line that its writer did not finish."""
        self._lock.acquire()
        with self._path.open("r+b") as file:
            end = file.seek(0, 2)
            kept = end
            while kept > 0:  # nobody else is writing, so what has no line end is a dead process's
                start = max(0, kept - 4096)
                file.seek(start)
                found = file.read(kept - start).rfind(b"\n")
                kept = start + found + 1 if found >= 0 else start
                if found >= 0:
                    break
            if kept < end:
                file.truncate(kept)
        return True

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

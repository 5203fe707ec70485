"""Arrays of a feature store on disk: written whole or not at all, and told apart when damaged."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import xxhash

from poolsweep.data.ragged import positions

_WHOLE_UP_TO = 2**30  # bytes; of larger files a thousand blocks are looked at
_BLOCK, _BLOCKS = 2**20, 1024
Per = Literal["text", "window", "token"]
_RELEASE_EVERY = 2**26  # bytes written, after which their pages are handed back to the system


@dataclass(frozen=True)
class Sizes:
    """How much some texts are.

    Attributes:
        tokens: (N,) tokens of each text, in all of its windows.
        windows: (N,) windows of each text.
    """

    tokens: np.ndarray
    windows: np.ndarray

    def of(self, per: Per) -> np.ndarray:
        """Parts of each text; (N,)."""
        return {"token": self.tokens, "window": self.windows, "text": np.ones_like(self.tokens)}[per]


@dataclass(frozen=True)
class ArrayShape:
    """What an array holds.

    Attributes:
        part: Shape of one part.
        per: What has a part: every text, every window of it, or every token.
    """

    part: tuple[int, ...]
    per: Per

    def rows(self, sizes: Sizes) -> int:
        """Parts of some texts."""
        return int(sizes.of(self.per).sum())


class ArrayWriter:
    """Fills arrays row by row under temporary names, and renames them when all rows are there.

    Args:
        folder: The store's folder; nobody else writes there.
        sizes: How much the texts are.
        shapes: Array name → what it holds.
    """

    def __init__(self, folder: Path, *, sizes: Sizes, shapes: Mapping[str, ArrayShape]) -> None:
        self._folder = folder
        self._sizes = sizes
        self._starts = {per: np.concatenate([[0], np.cumsum(sizes.of(per))]) for per in get_args(Per)}
        remove(half_written(folder))
        self._shapes = shapes
        self._open = {name: self._create(name, shape) for name, shape in shapes.items()}
        self._dirty = 0

    def put(self, name: str, indices: Sequence[int], values: np.ndarray) -> None:
        """Write the rows of a batch.

        Args:
            name: The array.
            indices: Positions of the batch's texts.
            values: Token states (B, T, H) padded on the right; or (N, …), of each text or window in their order.
        """
        array, per = self._open[name], self._shapes[name].per
        if per == "token":
            for row, states in zip(indices, values, strict=True):
                array[self._starts[per][row] : self._starts[per][row + 1]] = states[: self._sizes.tokens[row]]
        else:
            array[positions(self._starts[per], np.asarray(indices))[0]] = values
        self._dirty += values.nbytes
        if self._dirty >= _RELEASE_EVERY:
            self._dirty = 0
            for written in self._open.values():
                _release(written)

    def finish(self) -> None:
        """Make the arrays visible under their names."""
        np.save(self._temporary("lengths"), self._sizes.tokens)
        for array in self._open.values():
            array.flush()
            _release(array)
        for name in ["lengths", *self._open]:
            _describe(self._temporary(name), as_=self._folder / f"{name}.json")
            self._temporary(name).replace(self._folder / f"{name}.npy")

    def abandon(self) -> None:
        """Remove what was written."""
        for name in ["lengths", *self._open]:
            self._temporary(name).unlink(missing_ok=True)

    def _create(self, name: str, shape: ArrayShape) -> np.memmap:
        rows = shape.rows(self._sizes)
        path = self._temporary(name)
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, *shape.part))
        if hasattr(os, "posix_fallocate") and array.nbytes:
            # Else a disk that fills up kills the process while it writes to mapped memory.
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        return array

    def _temporary(self, name: str) -> Path:
        return self._folder / f".{name}.{os.getpid()}.npy"


def half_written(folder: Path) -> list[Path]:
    """Files under temporary names: of a process at work, which holds the store's lock, or of one that died."""
    return [path for path in folder.glob(".*") if path.name != ".lock"]


def remove(files: Iterable[Path]) -> None:
    """Remove what is still there."""
    for path in files:
        path.unlink(missing_ok=True)


def is_whole(folder: Path, name: str) -> bool:
    """Whether an array is there, as it was when it was written.

    A file of up to 1 GiB is read once per process and compared by its hash, of a larger one a thousand blocks.
    """
    try:
        about = json.loads((folder / f"{name}.json").read_text())
        path = folder / f"{name}.npy"
        stat = path.stat()
        if stat.st_size != about["bytes"]:
            return False
        return _hash_of(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino) == about["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _describe(path: Path, *, as_: Path) -> None:
    content = json.dumps({"bytes": path.stat().st_size, "hash": _hash(str(path))})
    temporary = as_.with_name(f".{as_.name}.{os.getpid()}")
    temporary.write_text(content)
    temporary.replace(as_)


@lru_cache(maxsize=4096)
def _hash_of(path: str, size: int, modified: int, inode: int) -> str:
    return _hash(path)


def _hash(path: str) -> str:
    digest, size = xxhash.xxh3_128(), Path(path).stat().st_size
    step = _BLOCK if size <= _WHOLE_UP_TO else size // _BLOCKS
    with Path(path).open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()


def _release(array: np.memmap) -> None:
    """Drop an array's pages from this process; what was written stays with the system, and goes to the disk."""
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)

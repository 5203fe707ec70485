"""What writes rows to a file from front to back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from poolsweep.predict.rows.window import Window


class Target(Protocol):
    """A file, or standard output, that is written from its beginning."""

    def tell(self) -> int:
        """Bytes that stand before."""
        ...

    def write(self, content: bytes, /) -> int:
        """Write bytes."""
        ...


class Sink(ABC):
    """Writes windows of rows, with the columns that a model adds, as bytes one after the other.

    What has been written up to the end of a window is never changed by a later one, so that a file that was cut there
    can go on.
    """

    keeps_columns: bool = True  # of the input
    holds_lists: bool = True  # else several names of a text are written as one

    @abstractmethod
    def write(self, file: Target, window: Window, answers: Mapping[str, pa.Array]) -> None:
        """Write a window at the end of a file; into an empty one also what stands before the rows.

        Args:
            file: Open to be written to, at its end.
            window: Rows of the input.
            answers: Columns that the model adds, (N,) each.
        """

    def finish(self, part: Path, whole: Path) -> Path:
        """Make a whole file of what was written.

        Args:
            part: Everything that was written.
            whole: Path for the whole file, if it cannot be made of the part in its place.
        Returns:
            Where it lies.
        """
        return part

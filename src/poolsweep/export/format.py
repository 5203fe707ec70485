"""What an export format is; formats.py has the list of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from poolsweep.training.load import LoadedRun


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked of an export.

    Attributes:
        vectors: Leave the head out: the exported model gives pooled vectors.
        int8: Quantise its weights.
    """

    vectors: bool = False
    int8: bool = False


class Format(ABC):
    """One way to write a model, for one library.

    Attributes:
        name: Name that ``--to`` chooses it by.
        loads: How a user loads the folder: lines of Python, for the model card.
        proof: Name of a script in ``export/proofs`` that reads ``texts.json`` in a process without poolsweep, runs the
            exported model, and writes ``found.npy``: probabilities (N, C), or vectors (N, D).
        extra: Extra of poolsweep that writing needs; None = the core install does.
    """

    name: ClassVar[str]
    loads: ClassVar[str]
    proof: ClassVar[str]
    extra: ClassVar[str | None] = None

    @abstractmethod
    def objection(self, run: LoadedRun, wanted: Wanted) -> str | None:
        """Why this model cannot be written so; None if it can.

        Args:
            run: A finished run.
            wanted: What was asked.
        """

    @abstractmethod
    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> None:
        """Write the model, its tokenizer and its labels.

        Args:
            run: A finished run, in float32 on the CPU.
            folder: An empty folder.
            wanted: What was asked.
        """

"""What an export format is; formats.py has the list of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from transformers import PreTrainedConfig

from poolsweep.predict.export_record import Weights
from poolsweep.tasks import Readout
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


@dataclass(frozen=True)
class Written:
    """What poolsweep needs to read an export back; nothing where it runs the format's own file.

    Attributes:
        encoder: Config of the plain encoder that was written.
        weights: Places of all weights.
        said: Sentences for the user.
    """

    encoder: PreTrainedConfig | None = None
    weights: tuple[Weights, ...] = ()
    said: tuple[str, ...] = ()


class Format(ABC):
    """One way to write a model, for one library.

    Attributes:
        name: Name that ``--to`` chooses it by.
        proof: Name of a script in ``export/proofs``, read where poolsweep cannot be imported. Its
            ``load(folder, *, vectors)`` gives a function of texts and pairs (or None) that returns an array: logits
            (N, C), what is predicted (see ``gives_outputs``), or vectors (N, D). It gets texts of similar length, a
            few at once.
        packages: Packages that it needs beside the core install; the extra of the format's name installs them.
    """

    name: ClassVar[str]
    proof: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()

    @property
    def library(self) -> str:
        """What the hub calls the library that loads the folder."""
        return self.name

    @abstractmethod
    def objection(self, run: LoadedRun, wanted: Wanted) -> str | None:
        """Why this model cannot be written so; None if it can.

        Args:
            run: A finished run.
            wanted: What was asked.
        """

    def gives_outputs(self, readout: Readout) -> bool:
        """Whether the exported model gives what the task predicts; else it gives logits.

        Args:
            readout: How that follows from logits.
        """
        return False

    def needs_code(self, run: LoadedRun) -> bool:
        """Whether loading the folder runs code of its own, which the user of the library has to trust.

        Args:
            run: A finished run.
        """
        return False

    @abstractmethod
    def usage(self, run: LoadedRun, wanted: Wanted) -> str:
        """Lines of Python that load the folder, written ``FOLDER``, and run it on two texts, for the model card.

        Args:
            run: A finished run.
            wanted: What was asked.
        """

    @abstractmethod
    def write(self, run: LoadedRun, folder: Path, wanted: Wanted) -> Written:
        """Write the model, its tokenizer and its labels.

        Args:
            run: A finished run, in float32 on the CPU.
            folder: An empty folder.
            wanted: What was asked.
        """

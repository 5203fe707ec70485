"""Several runs as one model: the mean of what they predict."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
import xxhash

from poolsweep.data.reading import Reading
from poolsweep.errors import UserError
from poolsweep.predict.model import Model, Output
from poolsweep.predict.run_model import RunModel
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.runs.folder import RunFolder


class Ensemble(Model):
    """The replicates of a contender together; each text gets the mean of what they predict, and is decided by it.

    Runs that share a frozen encoder share its pass over the texts.

    Args:
        members: One or more runs of one setting.
        name: What they are, for messages.
    Raises:
        UserError: If their targets or what they read differ.
    """

    def __init__(self, members: Sequence[RunModel], *, name: str) -> None:
        first = members[0]
        for other in members[1:]:
            if other.task != first.task:
                raise UserError(f"{name}: {other.name} and {first.name} have other tasks, and cannot predict together")
            if (other.reads.text, other.reads.text_pair) != (first.reads.text, first.reads.text_pair):
                raise UserError(f"{name}: {other.name} and {first.name} read other columns")
        self.name, self.members = name, tuple(members)
        self.contracts = tuple(member.contract for member in members)
        self.task, self.metrics, self.reads = first.task, first.metrics, first.reads
        try:
            self.contract = first.contract.together(self.contracts[1:])
        except ValueError as error:
            raise UserError(f"{name}: its replicates {error}, and cannot predict together") from error

    @property
    def identity(self) -> str:
        """A hash of the members' own."""
        return xxhash.xxh3_128_hexdigest(" ".join(member.identity for member in self.members).encode())

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """The mean of what the members predict; a text counts as cut if any member cut it."""
        values, cut = self.predict_each(texts, pairs)
        return Output(self.together(values), cut)

    @staticmethod
    def together(values: np.ndarray) -> np.ndarray:
        """The mean of what members predict; (M, N, C) → (N, C)."""
        return values.mean(axis=0, dtype=np.float64).astype(np.float32)

    def predict_each(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What every member predicts of each text, and whether any of them cut it; (M, N, C) float32 and (N,) bool."""
        self.reads.check(texts, pairs)
        found: dict[int, np.ndarray] = {}
        cut = np.zeros(len(texts), dtype=bool)
        for group in self._passes:
            wanted = [self.members[i].predicted(str(i)) for i in group]
            values, truncated = self.members[group[0]].engine.run(texts, pairs, wanted)
            found |= zip(group, values, strict=True)
            cut |= truncated
        return np.stack([found[i] for i in range(len(self.members))]), cut

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> NoReturn:
        """Refuse: each member has vectors of its own.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"{self.name} has {len(self.members)} replicates, each with vectors of its own; "
            f"poolsweep refit {shlex.quote(self.name)} makes one model, or name a run: {self.members[0].name}"
        )

    @cached_property
    def _passes(self) -> list[list[int]]:
        """Places of the members whose texts are read by the same encoder as the same tokens."""
        groups: dict[tuple[int, Reading], list[int]] = {}
        for place, member in enumerate(self.members):
            engine = member.engine
            groups.setdefault((id(engine.loaded), engine.reading), []).append(place)
        return list(groups.values())


def recorded_scores(runs: Sequence[Path]) -> str | None:
    """What runs score on the test split together, beside what one of them does; None where they tested other rows.

    Args:
        runs: Folders of the members; what they predicted in training is read.
    """
    found = [
        read_predictions(RunRecord(path, result), outputs=True)
        for path in runs
        if (result := RunFolder(path).finished()) is not None
    ]
    each = [one for one in found if one is not None and one.outputs is not None]
    if len(each) < len(runs) or len({one.rows_hash for one in each}) > 1:
        return None
    first, outputs = each[0], [one.outputs for one in each if one.outputs is not None]
    try:
        contract = first.contract.together([one.contract for one in each[1:]])
    except ValueError:
        return None
    metric = first.task.default_metrics[0]
    mean = np.mean(outputs, axis=0).reshape(len(first.targets), -1)
    together = first.task.outcomes(contract, first.targets, mean)
    score = float(first.task.scores(metric, together).mean())
    single = float(np.mean([one.scores(metric).mean() for one in each]))
    return f"test/{metric} {score:.4f} together, {single:.4f} on average for one of the {len(each)} runs"

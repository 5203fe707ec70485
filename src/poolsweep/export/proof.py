"""Proves that an exported model gives what poolsweep gives, in a process that cannot import poolsweep."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poolsweep.export.format import Format, Wanted
from poolsweep.export.rows import ProofRows, Recorded
from poolsweep.metric_names import METRICS
from poolsweep.predict.run_model import RunModel
from poolsweep.process.interpreter import python_command
from poolsweep.tasks import Readout
from poolsweep.terminal.progress import said_if_slow

TOLERANCE = 1e-4  # of a probability; of vectors and scores relative to the largest number among them
_PROOFS = Path(__file__).with_name("proofs")
_LINES = 12


class UnprovenError(Exception):
    """The exported model cannot be run, or gives something else than poolsweep does."""


@dataclass(frozen=True)
class Proof:
    """What was found.

    Attributes:
        rows: How many texts were compared.
        origin: What they are.
        what: Kind of values: probabilities, scores or vectors.
        largest: Largest difference to poolsweep's float32 values: of a probability, or relative to their scale.
        labels_equal: Share of texts with the same labels; None where values are no probabilities.
        exact: Whether it was held to the tolerance; a quantised model is not.
        recorded: Sentences on the predictions that the run recorded when it was trained.
        said: Sentences of the format.
    """

    rows: int
    origin: str
    what: str
    largest: float
    labels_equal: float | None
    exact: bool
    recorded: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What to say of it."""
        where = (
            f"on {self.rows:,} {self.origin}"
            if self.origin == "test rows"
            else f"on {self.rows:,} rows of {self.origin}"
        )
        compared = f"{self.what} {where}, in a process without poolsweep: largest difference {self.largest:.1e}"
        labels = "" if self.labels_equal is None else f", {self.labels_equal:.2%} of labels equal"
        return [f"{'proven' if self.exact else 'compared'} by its {compared}{labels}", *self.recorded, *self.said]


def prove(fmt: Format, folder: Path, model: RunModel, rows: ProofRows, wanted: Wanted) -> Proof:
    """Run an exported model where poolsweep cannot be imported, and compare it with poolsweep's own.

    Args:
        fmt: Format of the folder.
        folder: The exported model.
        model: The run, in float32.
        rows: What to run both on.
        wanted: What was asked of the export.
    Raises:
        UnprovenError: If it cannot be run, or its values are others.
    """
    with said_if_slow(f"predicting {len(rows):,} {rows.origin}"):
        ours = (model.encode if wanted.vectors else model.predict)(rows.texts, rows.pairs).values
    readout = None if wanted.vectors else model.task.readout(model.contract)
    if readout is not None and fmt.gives_outputs(readout):
        readout = None
    with said_if_slow("running the exported model in a process without poolsweep"):
        found = run_exported(fmt, folder, rows, vectors=wanted.vectors, readout=readout)
    if found.shape != ours.shape:
        raise UnprovenError(f"it gives values of shape {found.shape} instead of {ours.shape}")
    if not np.isfinite(found).all():
        raise UnprovenError("it gives values that are no numbers")
    if wanted.vectors:
        return _compare_numbers(found, ours, rows, what="vectors", exact=not wanted.int8)
    said = () if rows.recorded is None else (_against_recorded(model, found, rows.recorded),)
    if not model.task.has_labels:
        return replace(_compare_numbers(found, ours, rows, what="scores", exact=not wanted.int8), recorded=said)
    return replace(_compare_probabilities(model, found, ours, rows, exact=not wanted.int8), recorded=said)


def run_exported(
    fmt: Format, folder: Path, rows: ProofRows, *, vectors: bool, readout: Readout | None = None
) -> np.ndarray:
    """What an exported model gives of some rows, run by its own library.

    Args:
        fmt: Format of the folder.
        folder: The exported model.
        rows: What to run it on.
        vectors: Whether it gives vectors.
        readout: How what is predicted follows from logits; None = it gives no logits.
    Raises:
        UnprovenError: If it cannot be loaded or run.
    """
    with tempfile.TemporaryDirectory(prefix="poolsweep-proof-") as name:
        work = Path(name)
        read = readout and {"activation": readout.activation, "low": readout.low, "span": readout.span}
        given = {"texts": rows.texts, "pairs": rows.pairs, "vectors": vectors, "readout": read}
        (work / "texts.json").write_text(json.dumps(given), encoding="utf-8")
        script = _PROOFS / f"{fmt.proof}.py"
        command = python_command(str(_PROOFS / "child.py"), str(script), str(folder.resolve()), name)
        done = subprocess.run(
            command, cwd=name, env=_environment(work), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False,
        )  # fmt: skip
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
            if os.environ.get("POOLSWEEP_DEBUG") == "1":
                said = ["\n".join(said[-_LINES:])]
            raise UnprovenError(f"it cannot be run without poolsweep: {said[-1]}")
        return np.load(work / "found.npy", allow_pickle=False)


def _environment(work: Path) -> dict[str, str]:
    """No network, no accelerator, no code that an earlier export left in a cache."""
    return os.environ | {
        "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(work / "modules"), "CUDA_VISIBLE_DEVICES": "",
        "TOKENIZERS_PARALLELISM": "false", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def _compare_numbers(found: np.ndarray, ours: np.ndarray, rows: ProofRows, *, what: str, exact: bool) -> Proof:
    """Vectors are held to the scale of each; scores to that of all."""
    scale = np.abs(ours).max(axis=1 if what == "vectors" else None, keepdims=True)
    scale = np.where(scale > 0, scale, 1)
    largest = float((np.abs(found - ours) / scale).max())
    if exact and largest > TOLERANCE:
        raise UnprovenError(f"its {what} differ from poolsweep's by up to {largest:.1e} of their scale")
    return Proof(len(rows), rows.origin, what, largest, None, exact)


def _compare_probabilities(
    model: RunModel, found: np.ndarray, ours: np.ndarray, rows: ProofRows, *, exact: bool
) -> Proof:
    largest = float(np.abs(found - ours).max())
    same, margin = _same(model, found, ours), model.task.margin(model.contract, ours)
    clear = np.ones(len(ours), dtype=bool) if margin is None else margin > TOLERANCE
    if exact and largest > TOLERANCE:
        raise UnprovenError(f"its probabilities differ from poolsweep's by up to {largest:.1e}")
    if exact and not same[clear].all():
        raise UnprovenError(f"labels of {int((~same & clear).sum())} of {len(rows)} texts differ from poolsweep's")
    return Proof(len(rows), rows.origin, "probabilities", largest, float(same.mean()), exact)


def _same(model: RunModel, found: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Whether each text gets the same labels; (N,)."""
    one, other = (model.task.decided(model.contract, outputs) for outputs in (found, ours))
    return (one == other).reshape(len(one), -1).all(axis=1)


def _against_recorded(model: RunModel, found: np.ndarray, recorded: Recorded) -> str:
    """How it compares with what the run recorded, in its own precision."""
    task, contract, metric = model.task, model.contract, model.metrics[0]
    largest = float(np.abs(found - recorded.outputs).max())
    there, here = (
        float(task.scores(metric, task.outcomes(contract, recorded.targets, outputs)).mean())
        for outputs in (recorded.outputs, found)
    )
    equal = f"{float(_same(model, found, recorded.outputs).mean()):.2%} of labels equal, " if task.has_labels else ""
    return (
        f"against the run's recorded predictions: {equal}largest difference {largest:.1e}, "
        f"test {METRICS[metric].title} {there:.4f} there and {here:.4f} here"
    )

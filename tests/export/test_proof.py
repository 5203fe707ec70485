"""A proof runs where poolsweep cannot be imported, and refuses what is not equal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from poolsweep.export import proof
from poolsweep.export.format import Wanted
from poolsweep.export.formats.torch import Torch
from poolsweep.export.rows import ProofRows, Recorded
from poolsweep.predict.model import Output
from poolsweep.process.interpreter import python_command
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels

PROOFS = Path(proof.__file__).with_name("proofs")
ROWS = ProofRows("test rows", ["a", "b"], None, Recorded(np.array([0, 1]), np.array([[0.8, 0.2], [0.4, 0.6]])))
OURS = np.array([[0.8, 0.2], [0.49995, 0.50005]], dtype=np.float32)


class Fixed:
    """A model that gives the same whatever it reads."""

    task, contract, metrics = Classification(), Labels(("cat", "dog")), ("accuracy",)

    def predict(self, texts, pairs=None):
        return Output(OURS, np.zeros(2, dtype=bool))

    encode = predict


@pytest.mark.parametrize("module", ["poolsweep", "poolsweep.export.proof", "hydra_plugins.poolsweep_grid"])
def test_the_process_of_a_proof_cannot_import_poolsweep(tmp_path: Path, module: str):
    (tmp_path / "script.py").write_text(f"import torch\nimport {module}\n")
    (tmp_path / "texts.json").write_text("{}")
    command = python_command(str(PROOFS / "child.py"), str(tmp_path / "script.py"), str(tmp_path), str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{module.partition('.')[0]} is not to be had in the proof of an export" in done.stderr.splitlines()[-1]
    importable = subprocess.run(python_command("-c", f"import {module}"), capture_output=True, text=True, check=False)
    assert importable.returncode == 0, f"premise: {importable.stderr}"


def proven(monkeypatch, found, **wanted):
    monkeypatch.setattr(proof, "run_exported", lambda *given, **options: np.asarray(found, dtype=np.float32))
    return proof.prove(Torch(), Path(), Fixed(), ROWS, Wanted(**wanted))  # type: ignore[arg-type]


def test_near_ties_may_have_another_label(monkeypatch):
    found = proven(monkeypatch, [[0.8, 0.2], [0.50002, 0.49998]])
    assert found.labels_equal == 0.5
    assert found.exact
    assert "99" not in found.lines[0]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([[0.8, 0.2], [0.5003, 0.4997]], "differ from poolsweep's by up to"),
        ([[0.8, np.nan], [0.5, 0.5]], "no numbers"),
        ([[0.8, 0.2]], "of shape"),
        ([[0.2, 0.8], [0.5, 0.5]], "differ from poolsweep's by up to"),
    ],
)
def test_other_values_are_refused(monkeypatch, found, why: str):
    with pytest.raises(proof.UnprovenError, match=why):
        proven(monkeypatch, found)


def test_vectors_are_held_to_their_scale(monkeypatch):
    near = OURS * np.float32(1 + 5e-5)
    assert proven(monkeypatch, near, vectors=True).labels_equal is None
    with pytest.raises(proof.UnprovenError, match="of their scale"):
        proven(monkeypatch, OURS * np.float32(1 + 2e-4), vectors=True)


def test_a_quantised_model_is_compared_with_what_the_run_recorded(monkeypatch):
    found = proven(monkeypatch, [[0.7, 0.3], [0.55, 0.45]], int8=True)
    assert not found.exact
    assert found.lines[1] == (
        "against the run's recorded predictions: 50.00% of labels equal, largest difference 1.5e-01, test accuracy "
        "1.0000 there and 0.5000 here"
    )

"""An ONNX export gives the run's own predictions in ONNX Runtime, where torch cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx

from poolsweep.export.format import Wanted
from poolsweep.export.formats.onnx import Onnx
from poolsweep.export.proof import run_exported
from poolsweep.export.rows import ProofRows
from poolsweep.predict.run_model import RunModel
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels
from poolsweep.training.load import load_run

TEXTS = ["meow", "", "woof xxx 12 " * 20, "a [MASK] and [UNK] é", "  space", "huhu"] + [f"x {i}" * i for i in range(40)]


def written(run, folder: Path, **wanted: bool) -> Path:
    folder.mkdir()
    assert Onnx().objection(run, Wanted(**wanted)) is None
    Onnx().write(run, folder, Wanted(**wanted))
    return folder


def found_in(folder: Path, texts: list[str], pairs: list[str] | None = None, *, vectors: bool = False) -> np.ndarray:
    """What the process of the proof finds."""
    readout = None if vectors else Classification().readout(Labels(()))
    return run_exported(Onnx(), folder, ProofRows("texts", texts, pairs), vectors=vectors, readout=readout)


def test_probabilities_are_the_runs_own(shallow, tmp_path):
    run = load_run(shallow["promptbert"])
    folder = written(run, tmp_path / "x")
    model = RunModel(run, name="run")
    for texts in (TEXTS, TEXTS[1:2]):
        expected = model.predict(texts).values
        assert np.abs(found_in(folder, texts) - expected).max() < 1e-5
    assert model.predict(TEXTS).values.std(axis=0).max() > 1e-3, "premise: texts differ by more than is allowed"
    graph = onnx.load(folder / "model.onnx")
    assert [entry.value for entry in graph.metadata_props if entry.key == "labels"] == ['["cat", "dog", "owl"]']
    assert b"site-packages" not in (folder / "model.onnx").read_bytes(), "paths of this machine"
    config = json.loads((folder / "config.json").read_text())
    assert config["id2label"] == {"0": "cat", "1": "dog", "2": "owl"}
    lines = Onnx().usage(run, Wanted()).replace("FOLDER", str(folder))
    code = f"{lines}\nimport sys\nassert probabilities.shape == (2, 3)\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_int8_is_smaller_and_near(shallow, tmp_path):
    run = load_run(shallow["bert_lstm"])
    folder = written(run, tmp_path / "x", int8=True)
    expected = RunModel(run, name="run").predict(TEXTS).values
    assert 1e-7 < np.abs(found_in(folder, TEXTS) - expected).max() < 0.05
    weights = sum(p.numel() for p in run.classifier.parameters()) * 4
    assert (folder / "model.onnx").stat().st_size < weights


def test_vectors_of_pairs_without_special_tokens(trained, write_csv, animal_rows, tmp_path):
    path = write_csv(
        tmp_path / "pairs.csv", [(t, t[::-1], c) for t, c in animal_rows], header=("text", "other", "label")
    )
    given = [f"data.train={path}", "data.text_pair=other", "encoder.num_layers=2", "pooling/tokens=mean"]
    runs = trained("masked_mean", *given, "pooling.tokens.include_special=false")
    [folder_of_run] = runs.values()
    run = load_run(folder_of_run)
    assert run.classifier.pooling.context_needed == {"special"}
    folder = written(run, tmp_path / "x", vectors=True)
    expected = RunModel(run, name="run").encode(TEXTS, TEXTS[::-1]).values
    found = found_in(folder, TEXTS, TEXTS[::-1], vectors=True)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert [value.name for value in onnx.load(folder / "model.onnx").graph.output] == ["embedding"]

"""Exports of several labels a text and of scores: in transformers' pipeline, and in 8 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

from poolsweep.export import command, proof
from poolsweep.export.format import Wanted
from poolsweep.predict.load import load_model
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run

TEXTS = ["meow xxxxx 4", "woof x 1", "huhu 9"]
PROBE = ("encoder.frozen=true", "trainer=probe")


@pytest.fixture(scope="module", params=["multilabel", "regression"])
def run(request, trained, run_of, short_run) -> Path:
    """A probe of a task."""
    own = [one for one in run_of(request.param) if one not in short_run]
    [folder] = trained("masked_mean", *own, *PROBE).values()
    return folder


def test_the_pipeline_gives_what_predict_gives(here, run, tmp_path):
    folder = tmp_path / "exported"
    command.export_run(run, to="transformers", output=folder, wanted=Wanted())
    classify = pipeline("text-classification", str(folder), trust_remote_code=True, device="cpu")
    model = RunModel(load_run(run), name="run")
    expected = model.predict(TEXTS).values
    for text, values in zip(TEXTS, expected, strict=True):
        found = {one["label"]: one["score"] for one in classify(text, truncation=True, top_k=None)}
        assert found.keys() == {*model.contract.names}
        np.testing.assert_allclose([found[name] for name in model.contract.names], values, rtol=1e-4, atol=1e-4)


def test_in_8_bits_it_is_near(run, monkeypatch, tmp_path):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(command, "prove", lambda *_: proof.Proof(6, "test rows", "outputs", 0.0, None, exact=False))
    folder = tmp_path / "exported"
    command.export_run(run, to="onnx", output=folder, wanted=Wanted(int8=True))
    back, model = load_model(folder, device="cpu"), RunModel(load_run(run), name="run")
    found, expected = back.predict(TEXTS).values, model.predict(TEXTS).values
    scale = 1.0 if model.task.has_labels else np.std(expected)
    assert 0 < np.abs(found - expected).max() < 0.2 * scale

"""A temperature is folded into the head, so that every format gives calibrated probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from poolsweep.export import command
from poolsweep.export.format import Wanted
from poolsweep.predict.load import load_model
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run

TEXTS = ["meow", "woof xxx 12", "huhu " * 20]
ONE = ("encoder.frozen=true", "trainer=probe", "calibrate=2.5")


@pytest.fixture(scope="module")
def run(trained):
    """A probe whose probabilities have a temperature."""
    [folder] = trained("masked_mean", *ONE).values()
    return folder


@pytest.mark.parametrize("to", ["torch", "transformers", "onnx", "sentence-transformers"])
def test_every_format_is_proven_and_read_back(request, run, tmp_path, to):
    if to != "onnx":  # its proof is that torch is not imported
        request.getfixturevalue("here")
    folder = tmp_path / "exported"
    found = command.export_run(run, to=to, output=folder, wanted=Wanted())
    assert found.exact
    assert found.what == "probabilities"
    ours, back = RunModel(load_run(run), name="run"), load_model(folder, device="cpu")
    assert (ours.contract.temperature, back.contract.temperature) == (2.5, 1)
    np.testing.assert_allclose(back.predict(TEXTS).values, ours.predict(TEXTS).values, atol=1e-5)

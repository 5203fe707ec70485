"""Finished runs to export, made once."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import CONFIGS, MORE, TOKENS
from torch import nn
from transformers import AutoModel

from poolsweep.cli import main
from poolsweep.data.reading import Reading
from poolsweep.encoder.tiny import tiny
from poolsweep.export import proof
from poolsweep.export.proofs.child import read_out
from poolsweep.report.results import load_results
from poolsweep.tasks.labels import Labels
from poolsweep.training.classifier import build_classifier
from poolsweep.training.encoder import load_encoder
from poolsweep.training.load import LoadedRun
from poolsweep.training.pooling import build_pooling

Trained = Callable[..., dict[str, Path]]


@pytest.fixture(scope="session")
def trained(tiny_run: list[str], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a tiny encoder for one epoch: pooling → folder of its run."""

    def train(poolings: str, *overrides: str) -> dict[str, Path]:
        root = tmp_path_factory.mktemp("runs")
        epochs = [] if "trainer=probe" in overrides else ["trainer.max_epochs=1"]
        typed = [one for one in tiny_run if not one.startswith("trainer.max_epochs")]
        given = [*typed, *epochs, *overrides, f"pooling={poolings}", f"output_root={root}", "study=s"]
        assert main(["train", "-m", *given, "seed=0"]) == 0
        return {result["pooling"]: root / "s" / result["run_id"] for result in load_results(root / "s")}

    return train


@pytest.fixture(scope="session")
def tuned(trained: Trained) -> dict[str, Path]:
    """Fine-tuned runs of poolings that differ in what they ask of an encoder: pooling → folder."""
    return trained("masked_mean,pooler,second_to_last_mean,embeddings_mean,last4_concat,promptbert")


@pytest.fixture(scope="session")
def shallow(trained: Trained) -> dict[str, Path]:
    """Fine-tuned runs of two layers: pooling → folder."""
    return trained("bert_lstm,promptbert", "encoder.num_layers=2")


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a small random encoder of a family and the tiny encoder's tokenizer."""

    def save(family: str) -> Path:
        folder = tmp_path_factory.mktemp(family) / family
        config = copy.deepcopy((CONFIGS | MORE)[family])
        config.vocab_size = TOKENS
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
        tiny(max_length=32).tokenizer.save_pretrained(folder)
        return folder

    return save


@pytest.fixture
def made(compose, tiny_run):
    """A run that was never trained: a pooling with random parameters on a tiny encoder."""

    def make(*overrides: str) -> LoadedRun:
        config = compose(*tiny_run, "encoder.frozen=true", *overrides)
        loaded = load_encoder(config.encoder, tokens=config.tokens, init_seed=0)
        torch.manual_seed(0)
        pooling = build_pooling(config.pooling, loaded)
        for parameter in pooling.parameters():
            nn.init.normal_(parameter, std=0.3)
        classifier = build_classifier(config, loaded.encoder, pooling, Labels(("a", "b", "c")))
        return LoadedRun(config, Labels(("a", "b", "c")), classifier.eval(), loaded, Reading(48, pooling.template))

    return make


@pytest.fixture
def here(monkeypatch, tmp_path):
    """Run the proofs of exports in this process, which takes no start of an interpreter."""

    def run(fmt, folder, rows, *, vectors: bool, readout):
        script = Path(proof.__file__).with_name("proofs") / f"{fmt.proof}.py"
        spec = importlib.util.spec_from_file_location(f"proof_{fmt.proof}", script)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, "path", list(sys.path))
        sys.modules.pop("model", None)
        importlib.invalidate_caches()
        exported = module.load(str(folder), vectors=vectors)
        values = np.asarray(exported(rows.texts, rows.pairs), dtype=np.float32)
        if readout is None:
            return values
        return read_out(values, activation=readout.activation, low=readout.low, span=readout.span)

    monkeypatch.setattr(proof, "run_exported", run)

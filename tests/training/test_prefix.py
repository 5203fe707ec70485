"""Prefixes before texts, and a folder's own pooling, in runs that are trained and read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from poolsweep.config import Node
from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import reader
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError
from poolsweep.pooling.presets import load_preset
from poolsweep.predict.load import load_model
from poolsweep.report.results import load_results
from poolsweep.training.encoder import load_encoder
from poolsweep.training.pooling import build_pooling
from poolsweep.training.reading import reading_of

TEXTS = ["meow", "woof xxx 12", "a longer text, that is padded and cut " * 3]
SIZE = 16


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sentence-transformers, written by hand as version 2 did: cls and mean, Dense, Normalize, prompts."""
    folder = tmp_path_factory.mktemp("shipped") / "shipped"
    loaded = tiny(hidden_size=SIZE, num_layers=2, max_length=64)
    loaded.encoder.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    weights = {"linear.weight": torch.randn(8, 2 * SIZE), "linear.bias": torch.randn(8)}
    content = {
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (path, kind) in enumerate(
                [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")]
            )
        ],
        "sentence_bert_config.json": {"max_seq_length": 24, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": "query"
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": SIZE, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True,
            "include_prompt": False,
        },
        "2_Dense/config.json": {
            "in_features": 2 * SIZE, "out_features": 8, "bias": True,
            "activation_function": "torch.nn.modules.activation.Tanh",
        },
    }  # fmt: skip
    for name, value in content.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value))
    save_file(weights, folder / "2_Dense" / "model.safetensors")
    return folder


@pytest.fixture
def run_of(cli, tiny_run: list[str], outputs: Path, shipped: Path) -> Callable[..., Path]:
    """Train on the folder: the run's folder."""

    def train(*overrides: str) -> Path:
        rest = [one for one in tiny_run[1:] if not one.startswith("trainer.max_epochs")]
        done = cli("train", *rest, "encoder=hub", f"encoder.model={shipped}", *overrides)
        assert done.status == 0, done.err
        [result] = load_results(outputs / "default")
        return outputs / "default" / result["run_id"]

    return train


def written(tokenizer, ids) -> str:
    """Ids as the text that they stand for, without spaces."""
    return "".join(tokenizer.convert_ids_to_tokens(ids.tolist())).replace("##", "")


def test_a_frozen_run_has_the_vectors_of_the_library(run_of: Callable[..., Path], shipped: Path) -> None:
    run = run_of("encoder.frozen=true", "trainer=probe", "pooling=own")
    theirs = SentenceTransformer(str(shipped), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(load_model(run).encode(TEXTS).values, theirs, atol=1e-5)


def test_a_fine_tuned_run_starts_from_the_folder_s_weights_and_is_read_back(run_of: Callable[..., Path]) -> None:
    run = run_of("pooling=own", "trainer.max_epochs=1", "encoder.prompt=passage", "optimizer.head_lr=1e-2")
    model = load_model(run)
    assert model.run.reading == Reading(24, None, "passage: ", None, pool_prefix=False)
    rows = model.run.batch(TEXTS)
    assert rows.prefix is not None
    assert written(model.run.loaded.tokenizer, rows.input_ids[0]).startswith("[CLS]passage:meow[SEP]")
    pooled = model.run.classifier.pooling.tokens
    before = load_file(Path(model.run.config.encoder["model"]) / "2_Dense" / "model.safetensors")["linear.weight"]
    moved = (pooled.parts[0].linear.weight - before).abs().max()
    assert 0 < moved < 0.5, "trained, and not from random weights"


def test_the_weights_of_a_folder_are_trained_or_fixed(compose, tiny_run: list[str], shipped: Path) -> None:
    for frozen in (True, False):
        given = [f"encoder.model={shipped}", f"encoder.frozen={frozen}", "pooling=own"]
        config = compose(*tiny_run[1:], "encoder=hub", *given)
        loaded = load_encoder(config.encoder, tokens=config.tokens, init_seed=0)
        pooling = build_pooling(config.pooling, loaded)
        weights = load_file(shipped / "2_Dense" / "model.safetensors")
        torch.testing.assert_close(pooling.state_dict()["tokens.parts.0.linear.weight"], weights["linear.weight"])
        assert any(p.requires_grad for p in pooling.parameters()) != frozen
        assert bool(list(pooling.parameters())) != frozen


def test_the_length_of_texts() -> None:
    loaded = tiny(max_length=64)
    pooling = build_pooling(Node(load_preset("masked_mean")), loaded)
    assert [reading_of(given, loaded, pooling).max_length for given in ("auto", None, 20)] == [64, 64, 20]
    long = tiny(max_length=512)
    assert [reading_of(given, long, pooling).max_length for given in ("auto", None)] == [128, 512]


def test_own_is_refused_where_no_folder_has_one(cli, tiny_run: list[str]) -> None:
    refused = cli("train", *tiny_run, "pooling=own")
    assert refused.problems == ["pooling=own is that of a sentence-transformers folder, and tiny has no modules.json"]
    half = cli("train", *tiny_run, "pooling=own", "pooling.tokens.modes=[cls]", "pooling.tokens.after=[Normalise]")
    assert half.status == 2
    assert "it takes Normalize, or Dense SIZE ACTIVATION" in half.problems[0]


def test_both_texts_of_a_pair_have_their_own_prefix(compose, tiny_run: list[str]) -> None:
    reading = Reading(32, prefix="query: ", prefix_pair="passage: ", pool_prefix=False)
    assert reading.of_second == Reading(32, prefix="passage: ", pool_prefix=False)
    assert replace(reading, prefix_pair=None).of_second == replace(reading, prefix_pair=None)
    joint = reader(tiny().tokenizer, reading, pair=True)({"text": ["a b"], "text_pair": ["c"]})
    ids, prefix = np.array(joint["input_ids"][0]), np.array(joint["prefix"][0])
    assert written(tiny().tokenizer, ids) == "[CLS]query:ab[SEP]c[SEP]"
    assert written(tiny().tokenizer, ids[prefix]) == "[CLS]query:"


def test_a_prefix_in_a_template_stands_before_the_text() -> None:
    tokenizer = tiny().tokenizer
    reading = Reading(64, template='it: "{text}" [MASK]', prefix="query: ", pool_prefix=False)
    row = reader(tokenizer, reading, pair=False)({"text": ["cat"]})
    ids, prefix = np.array(row["input_ids"][0]), np.array(row["prefix"][0])
    assert written(tokenizer, ids) == '[CLS]it:"query:cat"[MASK][SEP]'
    assert written(tokenizer, ids[prefix]) == "query:"


def test_towers_of_a_run_read_their_prefixes(cli, tmp_path: Path, outputs: Path, write_csv) -> None:
    rows = [(f"{w} {i}", f"{v} {i}", str(w == v)) for i in range(12) for w in "ab" for v in "ab"]
    data = write_csv(tmp_path / "pairs.csv", rows, header=("text", "other", "label"))
    given = [
        "encoder=tiny", "data=files", f"data.train={data}", "data.text_pair=other", "encoder.frozen=true",
        "trainer=probe", "pooling=masked_mean", "encoder.prefix='query: '", "encoder.prefix_pair='doc: '",
        "encoder.pool_prefix=false", "data.overlap=warn", "trainer.accelerator=cpu",
    ]  # fmt: skip
    joint = cli("train", *given)
    assert joint.problems == ["encoder.prefix_pair goes with pairs=siamese; a pair that is one input has one prefix"]
    done = cli("train", *given, "pairs=siamese")
    assert done.status == 0, done.err
    [result] = load_results(outputs / "default")
    model = load_model(outputs / "default" / result["run_id"])
    batch = model.run.batch(["a"], ["b"])
    first, second = (written(model.run.loaded.tokenizer, ids) for ids in batch.input_ids)
    assert first.startswith("[CLS]query:a[SEP]")
    assert second.startswith("[CLS]doc:b[SEP]")
    texts, pairs = ["a 1", "b 2 and more"], ["b", "a 3 4"]
    with torch.no_grad():
        alone = model.task.predicted(model.contract, model.run.classifier(model.run.batch(texts, pairs)))
    np.testing.assert_allclose(model.predict(texts, pairs).values, alone, atol=1e-5)


def test_a_prompt_and_a_prefix_are_not_both_given() -> None:
    with pytest.raises(UserError, match="two ways to say one thing"):
        tiny(prefix="a", prompt="b")

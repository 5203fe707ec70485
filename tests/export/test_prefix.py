"""Exports put the run's prefix before texts, pool it or not as the run did, and have a folder's own modules."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer

from poolsweep.data.template import put_before, taken_out
from poolsweep.encoder.shipped import read_shipped
from poolsweep.encoder.tiny import tiny
from poolsweep.export.card import prefix_in_words
from poolsweep.export.encoder import plain_encoder, plain_tokenizer, prefix_objection
from poolsweep.export.format import Wanted
from poolsweep.export.formats.onnx import TokensToOutput
from poolsweep.export.formats.sentence_transformers import SentenceTransformers
from poolsweep.export.formats.torch import Torch
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import LoadedRun

TEXTS = ["a cat", "the dog and the cat sat by the river in the evening", "x [MASK] y", "z"]
OWN = ["pooling.tokens.modes=[cls,weightedmean]", "pooling.tokens.after=[Dense 7 Tanh,Normalize]"]
POOLINGS = {
    "masked_mean": [], "cls": [], "sgpt": [], "max_cls": [], "promptbert": [], "own": OWN,
}  # fmt: skip


def prefixed(run: LoadedRun, *, pooled: bool) -> LoadedRun:
    return replace(run, reading=replace(run.reading, prefix="query: ", pool_prefix=pooled))


def vectors(run: LoadedRun) -> np.ndarray:
    return RunModel(run, name="run").encode(TEXTS).values


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_format_reads_the_prefix(pooling: str, pooled: bool, made, tmp_path: Path, monkeypatch) -> None:
    without = made(f"pooling={pooling}", *POOLINGS[pooling])
    run = prefixed(without, pooled=pooled)
    ours = vectors(run)
    assert not np.allclose(ours, vectors(without), atol=1e-3), "premise"
    written = {}
    for fmt in (SentenceTransformers(), Torch()):
        folder = tmp_path / fmt.name
        folder.mkdir()
        fmt.write(run, folder, Wanted(vectors=True))
        written[fmt.name] = folder
    theirs = SentenceTransformer(str(written["sentence-transformers"]), device="cpu", trust_remote_code=True)
    np.testing.assert_allclose(theirs.encode(TEXTS), ours, atol=1e-5)
    monkeypatch.syspath_prepend(str(written["torch"]))
    sys.modules.pop("model", None)
    import model  # type: ignore[import-not-found]

    np.testing.assert_allclose(model.load(str(written["torch"])).encode(TEXTS), ours, atol=1e-5)
    given = AutoTokenizer.from_pretrained(written["torch"])(TEXTS, padding=True, truncation=True, return_tensors="pt")
    graph = TokensToOutput(run, plain_encoder(run), Wanted(vectors=True)).eval()
    with torch.no_grad():
        np.testing.assert_allclose(graph(*(given[name] for name in graph.inputs)), ours, atol=1e-5)


def test_a_folder_of_their_own_modules_is_read_as_it_was_written(made, tmp_path: Path) -> None:
    run = prefixed(made("pooling=own", *OWN), pooled=False)
    SentenceTransformers().write(run, tmp_path, Wanted(vectors=True))
    types = [module["type"].rpartition(".")[2] for module in json.loads((tmp_path / "modules.json").read_text())]
    assert types == ["Transformer", "Pooling", "Dense", "Normalize"]
    found = read_shipped(tmp_path)
    assert found is not None
    assert (found.modes, found.after) == (("cls", "weightedmean"), ("Dense 7 Tanh", "Normalize"))
    assert (found.prompts["query"], found.default_prompt, found.pool_prefix) == ("query: ", "query", False)
    assert found.max_length == run.reading.max_length
    torch.testing.assert_close(
        found.weights["parts.0.linear.weight"], run.classifier.pooling.tokens.parts[0].linear.weight.detach()
    )


def test_a_prefix_before_pairs_is_no_part_of_a_tokenizer(made) -> None:
    run = made("pooling=masked_mean", "data.text_pair=other")
    assert prefix_objection(run) is None
    assert "no part of a tokenizer" in str(prefix_objection(prefixed(run, pooled=True)))


def test_a_prefix_that_changes_the_first_word_is_put_into_the_normalizer(made) -> None:
    run = made("pooling=masked_mean")
    run = replace(run, reading=replace(run.reading, prefix="pre"))  # precat is one word
    tokenizer = plain_tokenizer(run)
    assert tokenizer(["cat"])["input_ids"] == run.batch(["cat"]).input_ids.tolist()
    assert taken_out(tokenizer, "pre")
    assert tokenizer(["cat"])["input_ids"] == run.loaded.tokenizer(["cat"])["input_ids"]
    assert not taken_out(tokenizer, "pre")


def test_what_is_put_before_texts_is_taken_out_whatever_was_there() -> None:
    tokenizer = tiny().tokenizer
    tokenizer.backend_tokenizer.normalizer = None
    put_before(tokenizer, "a ")
    assert taken_out(tokenizer, "a ")
    assert tokenizer.backend_tokenizer.normalizer is None


def test_the_card_says_what_is_put_before_texts(made) -> None:
    run = made("pooling=masked_mean")
    assert prefix_in_words(run) is None
    assert prefix_in_words(prefixed(run, pooled=True)) == "'query: ', put before every text by the model"
    assert prefix_in_words(prefixed(run, pooled=False)) == (
        "'query: ', put before every text by the model; read, and not pooled"
    )

"""Spearman of pooled vectors is that of sentence-transformers, for every pooling that both have; nothing is trained."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from poolsweep.encoder.minilm import minilm

MODES = {
    "cls": "cls", "mean": "mean", "max": "max", "mean_sqrt_len": "mean_sqrt_len_tokens",
    "position_weighted_mean": "weightedmean", "last": "lasttoken",
}  # fmt: skip


@pytest.fixture(scope="session")
def scored(tmp_path_factory, write_csv, animal_rows):
    """63 pairs with a score from 0 to 5."""
    chance = np.random.default_rng(0)
    rows = [
        (text, animal_rows[(5 * i + 2) % 63][0], f"{chance.uniform(0, 5):.3f}")
        for i, (text, _) in enumerate(animal_rows)
    ]
    return write_csv(tmp_path_factory.mktemp("scored") / "scored.csv", rows, header=("text", "text_pair", "label"))


@pytest.fixture
def typed(scored):
    return [
        "task=similarity", "data=files", f"data.train={scored}", "data.text_pair=text_pair", "encoder=tiny",
        "trainer.accelerator=cpu",
    ]  # fmt: skip


def results(outputs) -> list[dict]:
    return [json.loads(path.read_text()) for path in outputs.glob("default/*/result.json")]


def test_spearman_is_that_of_sentence_transformers(cli, typed, outputs, scored, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    done = cli(
        "train", "-m", *typed, "encoder=minilm", "pooling/layers=last", f"pooling/tokens={','.join(MODES)}", "seed=0,1"
    )
    assert done.status == 0, done.err
    found = {result["pooling"].rpartition("+")[2].strip(): result for result in results(outputs)}
    assert len(found) == len(results(outputs)) == len(MODES), "both seeds are one run"
    loaded = minilm(frozen=True)
    loaded.encoder.model.save_pretrained(tmp_path / "minilm")
    loaded.tokenizer.save_pretrained(tmp_path / "minilm")
    with scored.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [[row[name] for row in rows] for name in ("text", "text_pair")]
    evaluator = EmbeddingSimilarityEvaluator(
        *columns, [float(row["label"]) for row in rows], main_similarity="cosine", write_csv=False
    )
    for result in found.values():
        config = (outputs / "default" / result["run_id"] / "config.yaml").read_text()
        [name] = [name for name in MODES if f"tokens.{name}." in config]
        word = Transformer(str(tmp_path / "minilm"), max_seq_length=128)
        model = SentenceTransformer(modules=[word, Pooling(384, pooling_mode=MODES[name])], device="cpu")
        expected = evaluator(model)
        for metric in ("spearman", "pearson"):
            assert result["metrics"][f"test/{metric}"] == pytest.approx(expected[f"{metric}_cosine"], abs=1e-4), name


def test_all_rows_of_a_single_file_are_tested_by_one_pass(cli, typed, outputs):
    done = cli("train", *typed, "pooling=masked_mean")
    assert done.status == 0, done.err
    [result] = results(outputs)
    folder = outputs / "default" / result["run_id"]
    table = pq.read_table(folder / "predictions-test.parquet")
    assert table.column("row_id").to_pylist() == list(range(63))
    assert np.abs(table.column("predicted").to_numpy()).max() <= 1 + 1e-6
    assert len(list(outputs.glob(".features/*/"))) == 2, "one store for each column"


def test_whitening_is_fitted_on_the_vectors_of_both_texts(cli, typed, outputs, scored):
    from poolsweep.predict.load import load_model

    done = cli("train", *typed, "pooling=masked_mean", "postprocess=whiten", "postprocess.dimensions=4")
    assert done.status == 0, done.err
    [result] = results(outputs)
    folder = outputs / "default" / result["run_id"]
    with scored.open(newline="") as file:
        rows = list(csv.DictReader(file))
    model = load_model(folder, device="cpu")
    columns = [[row[name] for row in rows] for name in ("text", "text_pair")]
    vectors = np.concatenate([model.encode(column).values for column in columns]).astype(np.float64)
    values, directions = np.linalg.eigh(np.cov(vectors.T, bias=True))
    white = (vectors - vectors.mean(axis=0)) @ (directions[:, ::-1] / np.sqrt(values[::-1]))[:, :4]
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    expected = (white[:63] * white[63:]).sum(axis=1)
    assert np.allclose(pq.read_table(folder / "predictions-test.parquet").column("predicted"), expected, atol=1e-3)
    assert np.allclose(model.predict(*columns).values[:, 0], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["~data.text_pair"], "pairs=siamese needs pairs of texts: data.text_pair=COLUMN names the second of each row"),
        (["trainer=probe"], "task=similarity and trainer=untrained go together, got task=similarity and trainer Probe"),
        (["encoder.frozen=false"], "task=similarity needs encoder.frozen=true: nothing is trained"),
        (["pooling=self_attentive"], "task=similarity needs a pooling without parameters of its own"),
        (["pairs.combine=[u]"], "head=cosine compares the vectors of two texts: pairs=siamese pairs.combine=[u,v]"),
    ],
)  # fmt: skip
def test_what_is_refused(cli, typed, no_new_files, more, why):
    done = cli("train", *typed, *more)
    assert done.status == 2
    assert any(problem.startswith(why) for problem in done.problems), done.problems

"""Two towers against Sentence-BERT's formula in plain transformers and scikit-learn, and what reads such a run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from transformers import BertModel

from poolsweep.data.batch import Batch
from poolsweep.predict.load import load_model
from poolsweep.training.load import load_run

PARTS = "pairs.combine=[u,v,absdiff,product]"


def the_run(outputs: Path, study: str) -> Path:
    [folder] = outputs.glob(f"{study}/*/")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def by_hand(run, firsts: list[str], seconds: list[str]) -> torch.Tensor:
    """Logits as Sentence-BERT computes them, with the run's weights in transformers' own classes."""
    model = BertModel(run.loaded.encoder.model.config, add_pooling_layer=False).eval()
    weights = {name.removeprefix("encoder.model."): tensor for name, tensor in run.classifier.state_dict().items()}
    model.load_state_dict({name: tensor for name, tensor in weights.items() if name in model.state_dict()})

    def mean(texts: list[str]) -> torch.Tensor:
        ids = run.loaded.tokenizer(
            texts, padding=True, truncation=True, max_length=run.reading.max_length, return_tensors="pt"
        )
        mask = ids["attention_mask"][..., None]
        return (model(**ids).last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1)

    with torch.no_grad():
        u, v = mean(firsts), mean(seconds)
        head = run.classifier.head.classifier
        return torch.cat([u, v, (u - v).abs(), u * v], dim=1) @ head.weight.T + head.bias


def test_a_trained_run_gives_the_logits_of_sentence_bert(cli, siamese, outputs, pairs_file):
    done = cli("train", *siamese, PARTS, "trainer.max_epochs=1", "study=s")
    assert done.status == 0, done.err
    folder = the_run(outputs, "s")
    run, table = load_run(folder), pq.read_table(folder / "predictions-test.parquet").to_pydict()
    rows = [rows_of(pairs_file)[i] for i in table["row_id"]]
    firsts, seconds = [row["text"] for row in rows], [row["text_pair"] for row in rows]
    expected = by_hand(run, firsts, seconds)
    assert np.allclose(table["probabilities"], expected.softmax(dim=1), atol=1e-5)
    with torch.no_grad():
        assert torch.allclose(run.classifier(run.batch(firsts, seconds)), expected, atol=1e-5)
        swapped = run.classifier(run.batch(seconds, firsts))
    assert torch.allclose(swapped, by_hand(run, seconds, firsts), atol=1e-5)
    assert not torch.allclose(swapped, expected, atol=1e-3), "premise: the order counts"
    lengths = [len(run.loaded.tokenizer(one)["input_ids"]) for row in rows for one in (row["text"], row["text_pair"])]
    assert table["tokens"] == [one + other for one, other in zip(lengths[::2], lengths[1::2], strict=True)]


def test_a_probe_of_two_towers_is_that_of_scikit_learn(cli, frozen_siamese, outputs, pairs_file):
    done = cli("train", "-m", *frozen_siamese, PARTS, "pooling=masked_mean,cls", "seed=0,1", "trainer.penalties=[0.1]")
    assert done.status == 0, done.err
    stores = {path.parent.name.rpartition("-")[0] for path in outputs.glob(".features/*/vectors-*.npy")}
    assert len(stores) == 6, "one for each split and column, read by both poolings"
    results = [json.loads(path.read_text()) for path in outputs.glob("default/*/result.json")]
    assert len(results) == 2, "both seeds are one run"
    [identity] = [result["run_id"] for result in results if result["pooling"] == "masked_mean"]
    folder = outputs / "default" / identity
    model, rows = load_model(folder, device="cpu"), rows_of(pairs_file)
    u, v = (model.encode([row[name] for row in rows]).values for name in ("text", "text_pair"))
    vectors = np.concatenate([u, v, np.abs(u - v), u * v], axis=1)
    test = np.array(pq.read_table(folder / "predictions-test.parquet")["row_id"])
    held = {*test.tolist(), *pq.read_table(folder / "predictions-validation.parquet")["row_id"].to_pylist()}
    train = np.array([i for i in range(len(rows)) if i not in held])
    labels = np.array([row["label"] for row in rows])
    scaled = StandardScaler().fit(vectors[train]).transform(vectors)
    head = LogisticRegression(C=2 / (0.1 * len(train)), tol=1e-8, max_iter=5000).fit(scaled[train], labels[train])
    found = pq.read_table(folder / "predictions-test.parquet").column("probabilities").to_pylist()
    assert np.allclose(found, head.predict_proba(scaled[test]), atol=2e-3)


def test_predict_reads_pairs_and_encode_single_texts(cli, frozen_siamese, outputs, pairs_file, tmp_path):
    assert cli("train", *frozen_siamese, "study=p").status == 0
    folder = the_run(outputs, "p")
    done = cli("predict", str(folder), "--input", str(pairs_file), "--output", str(tmp_path / "p.csv"))
    assert done.status == 0, done.err
    recorded = pq.read_table(folder / "predictions-test.parquet").to_pydict()
    found = rows_of(tmp_path / "p.csv")
    assert [found[i]["predicted"] for i in recorded["row_id"]] == recorded["predicted"]
    typed = ("encode", str(folder), "--input", str(pairs_file), "--output")
    for column in ("text", "text_pair"):
        done = cli(*typed, str(tmp_path / f"{column}.npy"), "--text", column)
        assert done.status == 0, done.err
        assert np.load(tmp_path / f"{column}.npy").shape == (63, 32)
    refused = cli(*typed, str(tmp_path / "x.npy"), "--text-pair", "text_pair")
    assert refused.status == 2
    assert refused.problems == [
        "--text-pair text_pair: the model reads single texts; --text text_pair gives that column's"
    ]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["~data.text_pair"], "pairs=siamese needs pairs of texts: data.text_pair=COLUMN names the second of each row"),
        (["pairs.combine=[u,w]"], "pairs.combine must be a list of u, v, absdiff and product, got ['u', 'w']"),
        (["pairs.combine=[]"], "pairs.combine must be a list of u, v, absdiff and product, got []"),
        (["pairs.combine=[u,v,u]"], "pairs.combine has u more than once"),
    ],
)
def test_what_is_refused(cli, siamese, no_new_files, typed, why):
    done = cli("train", *siamese, *typed)
    assert (done.status, done.problems) == (2, [why])


def a_batch(*lengths: int) -> Batch:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ids = torch.arange(mask.numel()).view(mask.shape)
    return Batch(torch.arange(len(lengths)), torch.arange(len(lengths)) + 10, mask, ids)


def test_a_batch_of_two_inputs_a_row_keeps_both_when_rows_are_chosen():
    batch = a_batch(2, 3, 1).beside(a_batch(5, 1, 4), fill=77)
    assert len(batch) == 3
    assert batch.mask.sum(dim=1).tolist() == [2, 3, 1, 5, 1, 4]
    assert batch.tokens.tolist() == [7, 4, 5]
    assert batch.input_ids[0].tolist() == [0, 1, 2, 77, 77], "padded to the longest of both"
    part = batch.select(torch.tensor([2, 1]))
    assert part.row_ids.tolist() == [12, 11]
    assert part.mask.sum(dim=1).tolist() == [1, 3, 4, 1]
    assert part.input_ids[2].tolist() == [10, 11, 12, 13], "and cut to the longest that is left"


def test_each_tower_may_be_a_document(cli, frozen_siamese, outputs, pairs_file):
    """Two texts cannot be cut as one input; each alone can, and features give what the encoder gives."""
    short = ["data.max_length=10", "pooling/chunks=weighted", "study=w"]
    joint = [one for one in frozen_siamese if one != "pairs=siamese"]
    done = cli("train", *joint, *short)
    assert (done.status, len(done.problems)) == (2, 1)
    assert done.problems[0].endswith("and pairs=joint reads two as one input; pairs=siamese reads each alone")
    assert cli("train", *frozen_siamese, *short).status == 0
    folder = the_run(outputs, "w")
    run, table = load_run(folder), pq.read_table(folder / "predictions-test.parquet").to_pydict()
    rows = rows_of(pairs_file)
    firsts, seconds = zip(*((rows[i]["text"], rows[i]["text_pair"]) for i in table["row_id"]), strict=True)
    batch = run.batch(firsts, seconds)
    assert len(batch.mask) > 2 * len(batch), "premise: some texts have several windows"
    with torch.no_grad():
        assert np.allclose(run.classifier(batch).softmax(dim=1), table["probabilities"], atol=1e-5)

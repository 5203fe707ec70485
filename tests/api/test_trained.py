"""Models in Python: what a run recorded is what it predicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn import metrics

import poolsweep


@pytest.fixture(scope="module")
def recorded(study, reviews):
    """Texts of the test split with the probabilities that each run of cls recorded."""
    runs = study.runs[study.runs["pooling"] == "cls"].sort_values("seed").index
    tables = [pq.read_table(study.path / run / "predictions-test.parquet") for run in runs]
    texts = reviews["review"].iloc[tables[0]["row_id"].to_pylist()]
    return [study.path / run for run in runs], texts, [np.stack(t["probabilities"].to_pylist()) for t in tables]


def test_a_run_predicts_what_it_recorded(recorded):
    [folder, _], texts, [probabilities, _] = recorded
    model = poolsweep.load(folder)
    assert model.labels == ("1", "2", "3")
    found = model.predict_proba(texts)
    assert found.dtype == np.float32
    assert np.allclose(found, probabilities, atol=1e-5)
    assert model.predict(list(texts)).tolist() == [model.labels[i] for i in probabilities.argmax(axis=1)]
    assert model.predict(texts.to_numpy()).tolist() == model.predict(texts).tolist()
    assert model.encode(texts).shape == (len(texts), 32)
    assert repr(model) == f"TrainedModel({str(folder)!r}, labels=['1', '2', '3'])"


def test_an_ensemble_is_the_mean_of_its_replicates(study, recorded):
    _, texts, probabilities = recorded
    model = study.ensemble("cls")
    assert np.allclose(model.predict_proba(texts), np.mean(probabilities, axis=0), atol=1e-5)
    assert np.allclose(poolsweep.load(f"{study.path}:cls").predict_proba(texts), model.predict_proba(texts))
    assert model.name.endswith("reviews:cls")
    with pytest.raises(poolsweep.UserError, match="refit"):
        model.encode(texts)
    with pytest.raises(poolsweep.UserError, match="did you mean cls"):
        study.ensemble("clss")


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ("one text", "texts must be a list of texts, got one text"),
        (["a", " "], "got an empty text in row 2"),
        (pd.Series(["a", None]), "in row 2"),
        ([1], "got int in row 1"),
    ],
)
def test_what_is_no_text_is_refused(texts, problem, recorded):
    with pytest.raises(poolsweep.UserError, match=problem):
        poolsweep.load(recorded[0][0]).predict(texts)


def test_no_texts_have_no_predictions_and_pairs_are_refused(recorded):
    model = poolsweep.load(recorded[0][0])
    assert model.predict_proba([]).shape == (0, 3)
    assert model.predict([]).shape == (0,)
    with pytest.raises(poolsweep.UserError, match="single texts"):
        model.predict(["a"], ["b"])


def test_metrics_are_scikit_learns(recorded, reviews, tmp_path):
    model = poolsweep.load(recorded[0][0])
    predicted = model.predict(reviews["review"])
    found, labels = model.evaluate(reviews), reviews["stars"].astype(str)
    assert found.loc["accuracy", "value"] == pytest.approx(metrics.accuracy_score(labels, predicted), abs=1e-9)
    assert found.loc["f1_macro", "value"] == pytest.approx(
        metrics.f1_score(labels, predicted, average="macro"), abs=1e-9
    )
    assert found.loc["accuracy", "low"] <= found.loc["accuracy", "value"] <= found.loc["accuracy", "high"]
    table = model.evaluate(reviews.rename(columns={"stars": "s"}), label="s", by_label=True)
    wanted = metrics.classification_report(labels, predicted, output_dict=True)
    assert all(table.loc[name, "recall"] == pytest.approx(wanted[name]["recall"]) for name in model.labels)
    reviews.to_csv(tmp_path / "again.csv", index=False)
    assert model.evaluate(tmp_path / "again.csv").equals(found)


def test_a_label_that_the_model_does_not_have_is_named_with_its_row(recorded, reviews):
    model = poolsweep.load(recorded[0][0])
    with pytest.raises(poolsweep.UserError, match="label '7' in row 2"):
        model.evaluate(reviews.assign(stars=[1, 7, *reviews["stars"][2:]]))
    with pytest.raises(poolsweep.UserError, match="data has no column 'stars'"):
        model.evaluate(reviews[["review"]])


def test_a_model_is_exported_as_the_command_does(recorded, study, tmp_path):
    folder = poolsweep.load(recorded[0][0]).export("transformers", tmp_path / "exported")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in folder.iterdir()}
    again, run = poolsweep.load(folder), poolsweep.load(recorded[0][0])
    assert np.allclose(again.predict_proba(recorded[1]), run.predict_proba(recorded[1]), atol=1e-5)
    assert again.labels == run.labels
    with pytest.raises(poolsweep.UserError, match="is an export already"):
        again.export("torch", tmp_path / "twice")
    with pytest.raises(poolsweep.UserError, match="is not empty"):
        poolsweep.load(recorded[0][0]).export("transformers", folder)
    with pytest.raises(poolsweep.UserError, match="has 2 replicates; poolsweep refit"):
        study.ensemble("cls").export("transformers", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(poolsweep.UserError, match="no run folder"):
        poolsweep.load(tmp_path / "nothing")

"""Models written as Python and weights: each gives what the run gives, there and read back by poolsweep."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from poolsweep.cli import main
from poolsweep.export import command, proof
from poolsweep.export.format import Wanted
from poolsweep.predict.load import load_model
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run

TEXTS = ["meow", "woof xxx 12", "a [MASK] in a longer text, that is padded", "", "hu" * 40]
FORMATS = ("torch", "transformers")


def export(run: Path, folder: Path, to: str, **wanted: bool) -> Path:
    """An export that was proven."""
    found = command.export_run(run, to=to, output=folder, wanted=Wanted(**wanted))
    assert found.exact
    assert found.rows in {6, 10}, "premise: these are the test rows"
    return folder


def outputs(model, texts=TEXTS):
    return model.predict(texts).values, model.encode(texts).values


@pytest.mark.parametrize("to", FORMATS)
def test_every_pooling_is_the_same_there_and_read_back(here, tuned, tmp_path, to: str):
    for pooling, run in tuned.items():
        folder = export(run, tmp_path / pooling, to)
        ours = outputs(RunModel(load_run(run), name="run"))
        back = outputs(load_model(folder, device="cpu"))
        for found, expected in zip(back, ours, strict=True):
            np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4, err_msg=pooling)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize(
    "overrides",
    [
        ("encoder.frozen=true", "trainer=probe", "postprocess=whiten"),
        ("encoder.frozen=true", "postprocess=standardize"),
        ("trainer.precision=bf16-mixed",),
    ],
)
def test_every_regime(here, trained, tmp_path, to: str, overrides):
    [run] = trained("last4_concat", *overrides).values()
    folder = export(run, tmp_path / "exported", to)
    vectors = export(run, tmp_path / "vectors", to, vectors=True)
    expected = RunModel(load_run(run), name="run").encode(TEXTS).values
    for each in (folder, vectors):
        found = load_model(each, device="cpu").encode(TEXTS).values
        np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


def test_a_pooler_is_transformers_own_classifier_to_the_bit(here, tuned, tmp_path):
    folder = export(tuned["pooler"], tmp_path / "exported", "transformers")
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert "auto_map" not in config
    run = load_run(tuned["pooler"])
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    inputs = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        head = run.classifier.head
        expected = head(model.bert(**inputs).pooler_output)
        assert torch.equal(model(**inputs).logits, expected)
    assert model.config.id2label == dict(enumerate(run.contract.names))
    assert model.config.problem_type == "single_label_classification"


def test_a_roberta_has_its_pooler_in_its_own_head(here, trained, encoder_folder, tmp_path):
    folder = encoder_folder("roberta")
    [run] = trained("pooler", "encoder=hub", f"encoder.model={folder}", "data.max_length=32").values()
    exported = export(run, tmp_path / "exported", "transformers")
    assert json.loads((exported / "config.json").read_text())["architectures"] == ["RobertaForSequenceClassification"]
    for found, expected in zip(
        outputs(load_model(exported, device="cpu")), outputs(RunModel(load_run(run), name="run")), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


def test_custom_code_is_at_home_in_transformers(here, tuned, tmp_path):
    folder = export(tuned["last4_concat"], tmp_path / "exported", "transformers")
    model = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    labels = torch.tensor([0, 1, 2, 0, 1])
    with torch.no_grad():
        output = model(**inputs, labels=labels)
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(output.logits, labels))
    model.save_pretrained(tmp_path / "again")
    tokenizer.save_pretrained(tmp_path / "again")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "again", trust_remote_code=True).eval()
    with torch.no_grad():
        assert torch.equal(again(**inputs).logits, output.logits)
    classify = pipeline("text-classification", str(folder), trust_remote_code=True)
    expected = RunModel(load_run(tuned["last4_concat"]), name="run")
    values = expected.predict(TEXTS[:2]).values
    for found, row in zip(classify(TEXTS[:2], truncation=True), values, strict=True):
        assert found["label"] == expected.contract.names[row.argmax()]
        assert found["score"] == pytest.approx(row.max(), abs=1e-5)


def test_vectors_are_a_model_of_transformers(here, tuned, tmp_path):
    folder = export(tuned["masked_mean"], tmp_path / "exported", "transformers", vectors=True)
    model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    inputs = AutoTokenizer.from_pretrained(folder)(TEXTS[:2], padding=True, return_tensors="pt")
    with torch.no_grad():
        found = model(**inputs).pooler_output.numpy()
    np.testing.assert_allclose(
        found, RunModel(load_run(tuned["masked_mean"]), name="run").encode(TEXTS[:2]).values, atol=2e-5
    )


@pytest.mark.parametrize("family", ["distilbert", "albert", "modernbert", "xlnet"])
def test_every_family_of_encoders(here, trained, encoder_folder, tmp_path, family: str):
    """No token types, one shared layer, a norm at the end, [CLS] behind the text."""
    given = ("encoder=hub", f"encoder.model={encoder_folder(family)}", "data.max_length=32")
    for pooling, run in trained("max_cls,second_to_last_mean", *given).items():
        for to in FORMATS:
            folder = export(run, tmp_path / f"{pooling}-{to}", to)
            for found, expected in zip(
                outputs(load_model(folder, device="cpu")), outputs(RunModel(load_run(run), name="run")), strict=True
            ):
                np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("to", FORMATS)
def test_pairs_of_texts(here, tiny_run, write_csv, tmp_path, to: str):
    rows = [
        (f"{word} {i}", f"{word * 2} {i % 5}", label) for i in range(30) for word, label in (("ab", "x"), ("cd", "y"))
    ]
    path = write_csv(tmp_path / "pairs.csv", rows, header=("text", "second", "label"))
    typed = [f"data.train={path}", "data.text_pair=second", "pooling.tokens.include_special=false"]
    root = [f"output_root={tmp_path / 'runs'}", "study=s", "trainer.max_epochs=1", "pooling=masked_mean"]
    assert main(["train", *tiny_run, *typed, *root]) == 0
    [result] = (tmp_path / "runs").glob("s/*/result.json")
    folder = export(result.parent, tmp_path / "exported", to)
    pairs = TEXTS[::-1]
    found = load_model(folder, device="cpu").encode(TEXTS, pairs).values
    expected = RunModel(load_run(result.parent), name="run").encode(TEXTS, pairs).values
    np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("to", "package", "pooling"),
    [
        ("sentence-transformers", "sentence_transformers", "masked_mean"),
        ("sentence-transformers", "sentence_transformers", "promptbert"),
        ("onnx", "onnxruntime", "masked_mean"),
    ],
)
def test_other_formats_are_read_back(monkeypatch, tuned, tmp_path, to: str, package: str, pooling: str):
    pytest.importorskip(package)
    monkeypatch.setattr(command, "prove", lambda *_: proof.Proof(6, "test rows", "probabilities", 0.0, 1.0, exact=True))
    folder = export(tuned[pooling], tmp_path / "exported", to)
    model = load_model(folder, device="cpu")
    expected = RunModel(load_run(tuned[pooling]), name="run").predict(TEXTS).values
    np.testing.assert_allclose(model.predict(TEXTS).values, expected, atol=2e-5, rtol=1e-4)
    assert model.predict([]).values.shape == (0, 3)

"""sentence-transformers gives the run's own vectors and logits of an exported folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from poolsweep.export.format import Wanted
from poolsweep.export.formats.sentence_transformers import SentenceTransformers
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run

TEXTS = ["meow", "", "woof xxx 12 " * 20, "a [MASK] and [UNK] é", "  space", "huhu"] + [f"x {i}" * i for i in range(30)]
OWN_MODULES = ("embeddings_mean", "max", "pooler", "second_to_last_mean", "sgpt")
CUSTOM_CODE = ("bert_lstm", "cls_all_max", "last4_concat", "promptbert", "set_transformer")  # the script proves all 33


@pytest.fixture(autouse=True)
def modules_cache(tmp_path, monkeypatch):
    """Code of one test's folder is none of the next one's."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    for name in [name for name in sys.modules if name.startswith("transformers_modules")]:
        monkeypatch.delitem(sys.modules, name)


def written(run, folder: Path, **wanted: bool) -> Path:
    folder.mkdir(parents=True)
    SentenceTransformers().write(run, folder, Wanted(**wanted))
    return folder


def loaded(folder: Path) -> SentenceTransformer:
    """As the card says: with trust in code only where there is some."""
    return SentenceTransformer(str(folder), device="cpu", trust_remote_code=bool(list(folder.glob("*.py"))))


def require_equal(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("preset", [*OWN_MODULES, *CUSTOM_CODE])
def test_a_preset_has_the_same_vectors(made, tmp_path, preset: str):
    run = made(f"pooling={preset}")
    folder = written(run, tmp_path / "x", vectors=True)
    assert (preset in CUSTOM_CODE) == (folder / "poolsweep_pooling.py").exists()
    require_equal(loaded(folder).encode(TEXTS), RunModel(run, name="run").encode(TEXTS).values)


@pytest.mark.parametrize("tokens", ["last", "mean_sqrt_len", "mean_max", "cls_mean_max", "attention_weighted", "min"])
def test_token_poolings_have_the_same_vectors(made, tmp_path, tokens: str):
    run = made("pooling/layers=last", f"pooling/tokens={tokens}")
    folder = written(run, tmp_path / "x", vectors=True)
    assert (tokens in {"attention_weighted", "min"}) == (folder / "poolsweep_pooling.py").exists()
    require_equal(loaded(folder).encode(TEXTS), RunModel(run, name="run").encode(TEXTS).values)


def test_pairs_without_special_tokens(made, tmp_path):
    run = made("pooling/layers=last", "pooling/tokens=mean", "pooling.tokens.include_special=false", "data.text_pair=b")
    folder = written(run, tmp_path / "x", vectors=True)
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    require_equal(loaded(folder).encode(pairs), RunModel(run, name="run").encode(TEXTS, TEXTS[::-1]).values)


def test_another_mode_would_be_seen(made, tmp_path):
    run = made("pooling=masked_mean")
    folder = written(run, tmp_path / "x", vectors=True)
    config = json.loads((folder / "1_Pooling" / "config.json").read_text())
    config |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    expected = RunModel(run, name="run").encode(TEXTS).values
    assert np.abs(loaded(folder).encode(TEXTS) - expected).max() > 0.1 * np.abs(expected).max()


@pytest.mark.parametrize("pooling", ["second_to_last_mean", "last4_concat"])
def test_a_head_gives_logits_and_survives_saving(tuned, tmp_path, pooling: str):
    run = load_run(tuned[pooling])
    folder = written(run, tmp_path / "x")
    model = loaded(folder)
    logits = model.encode(TEXTS, convert_to_tensor=True)
    require_equal(logits.softmax(dim=-1).numpy(), RunModel(run, name="run").predict(TEXTS).values)
    assert json.loads((folder / "labels.json").read_text()) == {"cat": 0, "dog": 1, "owl": 2}
    model.save(str(tmp_path / "again"), create_model_card=False)
    require_equal(loaded(tmp_path / "again").encode(TEXTS), logits.numpy())


def test_code_is_not_run_unless_it_is_trusted(made, tmp_path):
    folder = written(made("pooling=last4_concat"), tmp_path / "x", vectors=True)
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        SentenceTransformer(str(folder), device="cpu")


def test_lines_of_the_card_run(made, tmp_path):
    run = made("pooling=masked_mean")
    folder = written(run, tmp_path / "x")
    lines = SentenceTransformers().usage(run, Wanted()).replace("FOLDER", str(folder))
    found: dict[str, object] = {}
    exec(lines, found)
    assert found["probabilities"].shape == (2, 3)

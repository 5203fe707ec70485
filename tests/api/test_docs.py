"""The page on Python runs with a tiny encoder in place of MiniLM."""

from __future__ import annotations

import re

import numpy as np
import pytest
from checkout import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def block(word: str) -> str:
    """The one example that has a word."""
    [code] = [code for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL) if word in code]
    return code


@pytest.fixture
def written_reviews(reviews, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reviews.to_csv("reviews.csv", index=False)


@pytest.mark.usefixtures("written_reviews")
def test_the_examples_run(outputs, capsys):
    found: dict = {}
    for word in ("run_sweep(", "study.refit()", "GridSearchCV"):
        code = block(word).replace("frozen=True,", 'frozen=True, encoder="tiny",')
        code = code.replace("PooledTextClassifier(pooling", 'PooledTextClassifier(encoder="tiny", pooling')
        code = code.replace("PooledTextClassifier()", 'PooledTextClassifier(encoder="tiny")')
        exec(compile(code, "docs/python.md", "exec"), found)
    assert found["study"].leaderboard()["encoder"].tolist() == ["tiny"] * 3
    assert found["study"].leaderboard()["replicates"].tolist() == [3, 3, 3]
    assert (outputs / "reviews" / "report" / "report.html").is_file()
    assert found["model"].predict(["meow x 1"]).tolist() == ["1"]
    assert found["search"].predict(["meow x 1"]).tolist() == [1]
    assert "pooling" in capsys.readouterr().out


def test_the_example_with_a_preset_runs(tmp_path):
    from poolsweep.encoder.tiny import tiny

    loaded = tiny(num_layers=4)
    loaded.encoder.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    code = block("preset(").replace('"google-bert/bert-base-uncased"', repr(str(tmp_path)))
    assert str(tmp_path) in code, "premise: the name stands there"
    found: dict = {}
    exec(compile(code, "docs/python.md", "exec"), found)
    size, mask = found["model"].config.hidden_size, found["batch"]["attention_mask"]
    assert found["logits"].shape == (2, 3)
    assert found["vectors"].shape == (2, 4 * size)
    last = [states[0, 0] for states in found["states"][-4:]]
    whole = found["states"][-1][1][mask[1].bool()].mean(dim=0)
    mean = found["preset"]("masked_mean", found["model"].config)([found["states"][-1]], mask)[1]
    assert np.allclose(mean.detach(), whole.detach(), atol=1e-6)
    assert len(last) == 4

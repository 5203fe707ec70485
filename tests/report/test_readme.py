"""The notebook example of the README runs as it stands."""

from __future__ import annotations

import re

from checkout import README


def test_the_example_runs(make_study, capsys):
    make_study("demo", num_texts=40)
    [code] = [c for c in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "load_study" in c]
    found: dict = {}
    exec(compile(code, "README.md", "exec"), found)
    runs = found["runs"]
    mean = runs.groupby("pooling")["test/accuracy"].mean()
    wanted = mean["max"] - mean["cls"]
    assert abs(float(found["gap"].mean("seed").item()) - wanted) < 1e-9
    assert len(found["hardest"]) == 10
    assert "std" in capsys.readouterr().out


def test_its_screenshot_is_there_and_modest():
    [image] = re.findall(r"!\[[^]]*\]\((docs/report\.png)\)", README.read_text())
    path = README.parent / image
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 300_000


def test_the_example_with_a_preset_runs(tmp_path):
    from poolsweep.encoder.tiny import tiny

    [code] = [c for c in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "preset(" in c]
    loaded = tiny(num_layers=4)
    loaded.encoder.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    found: dict = {}
    here = code.replace('"google-bert/bert-base-uncased"', repr(str(tmp_path)))
    assert here != code, "premise: the name stands there"
    exec(compile(here, "README.md", "exec"), found)
    assert found["vectors"].shape == (2, 4 * found["model"].config.hidden_size)

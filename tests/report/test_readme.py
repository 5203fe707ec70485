"""The picture of the README, and the example with data frames of the page on Python."""

from __future__ import annotations

import re

from checkout import README

import poolsweep


def test_its_screenshot_is_there_and_modest():
    [image] = re.findall(r"!\[[^]]*\]\((docs/report\.png)\)", README.read_text())
    path = README.parent / image
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 300_000


def test_the_example_with_data_frames_runs(make_study, capsys):
    make_study("demo", num_texts=40)
    found: dict = {"poolsweep": poolsweep}
    page = (README.parent / "docs" / "python.md").read_text(encoding="utf-8")
    [code] = [c for c in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "to_xarray" in c]
    exec(compile(code, "docs/python.md", "exec"), found)
    mean = found["runs"].groupby("pooling")["test/accuracy"].mean()
    assert abs(float(found["gap"].mean("seed").item()) - (mean["max"] - mean["cls"])) < 1e-9
    assert len(found["hardest"]) == 10
    assert "std" in capsys.readouterr().out

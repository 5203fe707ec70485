"""What CONTRIBUTING.md tells a newcomer to do works as written."""

from __future__ import annotations

import re
import sys

import pytest
import yaml
from checkout import CONTRIBUTING

from poolsweep.cli import main
from poolsweep.pooling.conformance.suite import check_class

GUIDE = CONTRIBUTING.read_text(encoding="utf-8")


def test_the_pooling_of_the_guide_conforms(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    node = re.search(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert code, "premise: the guide shows a class"
    assert node, "premise: the guide shows a YAML"
    assert yaml.safe_load(node.group(1))["_target_"] == "poolsweep.pooling.tokens.first_last.FirstLast"
    (tmp_path / "guide_first_last.py").write_text(code.group(1), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    results = check_class("guide_first_last.FirstLast")
    assert len(results) > 20
    assert [r for r in results if r.status == "failed"] == []


@pytest.fixture
def frozen_run(tmp_path, monkeypatch) -> list[str]:
    """A command in a folder of one's own, where packages are found too."""
    rows = [f"{word} {i},{label}" for i in range(12) for word, label in (("good", "yes"), ("bad", "no"))]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    return [
        "train", "encoder=tiny", "encoder.frozen=true", "data=files", f"data.train={tmp_path / 'train.csv'}",
        "trainer.max_epochs=1", f"output_root={tmp_path}",
    ]  # fmt: skip


def test_a_class_of_ones_own_trains_when_trusted(tmp_path, frozen_run):
    code = re.search(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert code
    (tmp_path / "guide_package.py").write_text(code.group(1), encoding="utf-8")
    typed = [*frozen_run, "pooling.tokens._target_=guide_package.FirstLast"]
    assert main(typed) == 2, "refused unless trusted"
    assert main([*typed, "trusted=[guide_package]"]) == 0


def test_a_class_of_ones_own_with_options_takes_them_as_the_guide_says(tmp_path, frozen_run, capsys):
    (tmp_path / "wide_package.py").write_text(
        "import torch\n"
        "from poolsweep.pooling import TokenPooling\n"
        "class Wide(TokenPooling):\n"
        "    def __init__(self, *, input_size, width=1):\n"
        "        super().__init__(input_size=input_size)\n"
        "        self.width = width\n"
        "    def forward(self, hidden, mask, context):\n"
        "        return hidden.masked_fill(~mask[..., None], 0)[:, : self.width].sum(dim=1)\n"
    )
    fixed = [*frozen_run, "pooling.tokens._target_=wide_package.Wide", "trusted=[wide_package]"]
    assert main([*fixed, "pooling=cls", "+pooling.tokens.width=3"]) == 0
    assert main([*fixed, "~pooling.tokens.include_special", "+pooling.tokens.width=2"]) == 0
    capsys.readouterr()
    assert main([*fixed, "+pooling.tokens.width=2"]) == 2
    assert "~pooling.tokens.include_special leaves it out" in capsys.readouterr().err
    assert main([*fixed, "pooling=cls", "pooling.tokens.width=2"]) == 2
    assert "+pooling.tokens.width=… gives it" in capsys.readouterr().err

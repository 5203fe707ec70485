"""What CONTRIBUTING.md and docs/extending.md tell a newcomer to do works as written."""

from __future__ import annotations

import doctest
import importlib
import json
import math
import os
import re
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from checkout import CONTRIBUTING, ROOT
from scipy import stats

from poolsweep.cli import main
from poolsweep.pooling.conformance.suite import check_class
from poolsweep.tasks import TASKS

GUIDE = CONTRIBUTING.read_text(encoding="utf-8")
OWN = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def shown(part: str) -> tuple[str, str]:
    """The class and the YAML of the guide to a part."""
    [section] = re.findall(rf"^## A {part}\n.*?(?=^## |\Z)", OWN, flags=re.DOTALL | re.MULTILINE)
    [code] = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    node = re.findall(r"```yaml\n(.*?)```", section, flags=re.DOTALL)[0]
    return code, node


def test_the_pooling_of_the_guide_conforms(tmp_path, monkeypatch):
    code, node = shown("pooling")
    assert yaml.safe_load(node)["_target_"] == "my_poolings.FirstLast"
    (tmp_path / "guide_first_last.py").write_text(code, encoding="utf-8")
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
    (tmp_path / "guide_package.py").write_text(shown("pooling")[0], encoding="utf-8")
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


def test_the_data_source_of_the_guide_reads_folders_and_knows_its_content(tmp_path, frozen_run, capsys):
    code, node = shown("data source")
    (tmp_path / "guide_folders.py").write_text(code, encoding="utf-8")
    own = tmp_path / "conf" / "data" / "folders.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(node.replace("my_sources.", "guide_folders."), encoding="utf-8")
    for split in ("train", "validation", "test"):
        for word, label in (("good", "yes"), ("bad", "no")):
            folder = tmp_path / "reviews" / split / label
            folder.mkdir(parents=True)
            for i in range(6):
                (folder / f"{i}.txt").write_text(f"{word} {split} {i}", encoding="utf-8")
    typed = [one for one in frozen_run if not one.startswith("data")]
    typed += ["--config-dir", str(own.parents[1]), "data=folders", "trusted=[guide_folders]"]
    assert main([*typed, "data.root=reviews"]) == 0
    [result] = tmp_path.glob("default/*/result.json")
    assert json.loads(result.read_text())["sizes"] == {"train": 12, "validation": 12, "test": 12}
    (tmp_path / "reviews").rename(tmp_path / "moved")
    capsys.readouterr()
    assert main([*typed, "data.root=moved"]) == 0
    assert "finished before" in capsys.readouterr().err, "the same content at another place"
    (tmp_path / "moved" / "train" / "yes" / "0.txt").write_text("excellent", encoding="utf-8")
    assert main([*typed, "data.root=moved"]) == 0
    assert "finished before" not in capsys.readouterr().err, "another content"
    assert main([*typed, "data.root=nowhere"]) == 2
    assert "data.root=nowhere must hold train/LABEL/*.txt" in capsys.readouterr().err


def test_the_loss_of_the_guide_is_its_formula_and_trains(tmp_path, frozen_run, capsys):
    code, node = shown("loss")
    (tmp_path / "guide_loss.py").write_text(code, encoding="utf-8")
    own = tmp_path / "conf" / "loss" / "poly.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(node.replace("my_losses.", "guide_loss."), encoding="utf-8")
    typed = [*frozen_run, "--config-dir", str(own.parents[1]), "loss=poly", "trusted=[guide_loss]"]
    assert main(typed) == 0
    assert main([*typed, "loss.epsilon=-1"]) == 2
    assert "loss.epsilon" in capsys.readouterr().err

    guide_loss = importlib.import_module("guide_loss")
    assert doctest.testmod(guide_loss).attempted == 2
    assert doctest.testmod(guide_loss).failed == 0
    logits, labels = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 2])
    plain = torch.nn.functional.cross_entropy(logits, labels)
    assert torch.allclose(guide_loss.Poly(epsilon=0.0)(logits, labels), plain)
    p = logits.softmax(dim=1)[[0, 1], labels]
    assert torch.allclose(guide_loss.Poly(epsilon=2.0)(logits, labels), (2 * (1 - p) - p.log()).mean())


def test_the_task_of_the_guide_learns_counts(tmp_path, frozen_run, monkeypatch, capsys):
    code, node = shown("task")
    (tmp_path / "guide_counts.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    counts = importlib.import_module("guide_counts").Counts
    monkeypatch.setitem(TASKS, "counts", counts)
    own = tmp_path / "conf" / "task" / "counts.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(node, encoding="utf-8")
    rows = [f"{'good ' * (i % 4)}{i},{10 ** (i % 4)}" for i in range(48)]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    typed = [*frozen_run[:1], "-m", *frozen_run[1:-2], frozen_run[-1], "--config-dir", str(own.parents[1])]
    typed += ["task=counts", "trainer=probe", "trainer.accelerator=cpu", "pooling=cls,masked_mean"]
    assert main(typed) == 0
    assert "Spearman" in capsys.readouterr().out
    path = next(iter(tmp_path.glob("default/*/result.json")))
    result, scale = json.loads(path.read_text()), json.loads((path.parent / "labels.json").read_text())
    assert result["measured"] == ["spearman", "mae"]
    assert 0.5 < scale["mean"] < math.log(1000), "of logarithms"
    table = pq.read_table(path.parent / "predictions-test.parquet").to_pydict()
    assert set(table["label"]) <= {1.0, 10.0, 100.0, 1000.0}
    expected = stats.spearmanr(table["label"], table["predicted"]).statistic
    assert result["metrics"]["test/spearman"] == pytest.approx(expected, abs=1e-6)
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join([*rows, "bad,-1"]) + "\n")
    assert main(typed) == 2
    assert "the count -1 of row 49 is below 0" in capsys.readouterr().err


def test_the_launcher_of_the_guide_waits_and_runs_all(tmp_path, frozen_run):
    code, node = shown("launcher")
    package = tmp_path / "hydra_plugins" / "idle"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "idle_launcher.py").write_text(code, encoding="utf-8")
    own = tmp_path / "conf" / "hydra" / "launcher" / "idle.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(node.replace("poll_seconds: 60", "poll_seconds: 0"), encoding="utf-8")
    loads = "import os, itertools; _loads = itertools.cycle([9.0, 1.0]); asked = []\n"
    loads += "os.getloadavg = lambda: (asked.append(1), (next(_loads), 0, 0))[1]\n"
    loads += "import sys; from poolsweep.cli import main; status = main(sys.argv[1:]); print('asked', len(asked))\n"
    typed = ["train", "-m", *frozen_run[1:], "--config-dir", str(own.parents[2]), "hydra/launcher=idle", "seed=0,1"]
    done = subprocess.run(
        [sys.executable, "-c", loads + "sys.exit(status)", *typed], env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "asked 4", "twice for each run: too busy, then idle"
    assert len(list(tmp_path.glob("default/*/result.json"))) == 2


def test_the_glossary_has_a_line_per_word_in_order():
    rows = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").strip().splitlines()[6:]
    words = [row.split("|")[1].strip() for row in rows]
    assert len(words) > 15
    assert words == sorted(set(words))


def test_every_place_that_it_names_is_there():
    [table] = re.findall(r"^Where does it go\?\n\n(.*?)\n\n", GUIDE, flags=re.DOTALL | re.MULTILINE)
    rows = table.splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        "a pooling of tokens", "a mix of layers", "a data source", "a loss", "a task", "a launcher", "a statistic",
    ]  # fmt: skip
    for row in rows:
        paths = re.findall(r"`(\w+/[^`]+)`", row)
        assert len(paths) >= 2, row
        assert [path for path in paths if not (ROOT / path).exists()] == []

"""The wheel in an environment of its own, without a checkout: from ``init`` to ``predict``."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import torch
from checkout import ROOT
from package import build

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``poolsweep`` of an environment that has the wheel, and sees the packages that are installed here."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build(ROOT, folder, "wheel")
    venv.create(folder / "env", symlinks=True)
    [packages] = (folder / "env" / "lib").glob("python*/site-packages")
    (packages / "base.pth").write_text(str(Path(torch.__file__).parents[1]))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(folder / "env" / "bin" / "python"), "install", "--quiet",
         "--no-deps", "--no-index", "--disable-pip-version-check", "--ignore-installed", str(wheel)],
        check=True, timeout=300,
    )  # fmt: skip
    return folder / "env" / "bin" / "poolsweep"


def test_a_new_project_is_trained_read_and_used(program, tmp_path):
    def typed(*arguments: str) -> str:
        left = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "POOLSWEEP"))}
        done = subprocess.run(
            [program, *arguments], cwd=project if project.is_dir() else tmp_path, capture_output=True, text=True,
            timeout=600, env={**left, "POOLSWEEP_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    project = tmp_path / "mine"
    configs = typed("env").partition("configs")[2].split()[0]
    assert Path(configs).is_relative_to(program.parents[1]), "premise: nothing of the checkout runs"
    typed("init", "mine")
    (project / "reviews.csv").write_text("text,label\n" + "".join(
        f"{word} film number {i},{label}\n" for i in range(60) for word, label in (("fine", "good"), ("poor", "bad"))
    ))  # fmt: skip
    own = (
        "data=files",
        "data.train=reviews.csv",
        "data.train_rows=null",
        "encoder=tiny",
        "pooling=cls,ends",
        "seed=0,1",
    )
    printed = typed("train", "-m", "--config-dir", "conf", "experiment=first", *own)
    assert "ends" in printed, "the project's own pooling"
    assert typed("report", "first").splitlines()[-1].endswith("outputs/first/report/report.html")
    assert (project / "outputs" / "first" / "report" / "report.html").is_file()
    predicted = typed("predict", "first:cls", "--input", "reviews.csv").splitlines()
    assert predicted[0].startswith("text,label,predicted,")
    assert len(predicted) == 121

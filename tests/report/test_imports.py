"""A report is made without torch, and without what trains or sweeps."""

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import yaml

NEVER = (
    "torch",
    "transformers",
    "pytorch_lightning",
    "hydra",
    "poolsweep.training",
    "poolsweep.sweep",
    "poolsweep.model",
)
EVERY_MODULE = """
import importlib, json, pkgutil, sys
import poolsweep.report
names = [m.name for m in pkgutil.walk_packages(poolsweep.report.__path__, "poolsweep.report.")]
for name in names:
    importlib.import_module(name)
print(json.dumps([names, list(sys.modules)]))
"""
ONE_REPORT = """
import json, sys
from pathlib import Path
from poolsweep.report.command import report
from poolsweep.terminal.console import Console
page = report(sys.argv[1:], baseline="cls", metric="accuracy", out=None, with_texts=True, console=Console())
print(json.dumps([page.read_text(encoding="utf-8"), list(sys.modules)]))
"""


@pytest.fixture
def loaded():
    """Run some code in a process of its own; gives what it says and the modules that it loaded."""

    def run(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        said, modules = json.loads(done.stdout.splitlines()[-1])
        return said, [name for name in NEVER if name in modules]

    return run


def test_no_module_of_the_report_imports_torch(loaded):
    names, found = loaded(EVERY_MODULE)
    assert len(names) >= 20, "premise: the modules are found"
    assert found == []


def test_making_a_report_imports_no_torch(loaded, make_study, tmp_path, write_csv):
    study = make_study(cut=20)
    for folder in (path for path in study.iterdir() if path.is_dir()):
        labels = pq.read_table(folder / "predictions-test.parquet").column("label").to_pylist()
        texts = write_csv(tmp_path / "texts.csv", [(f"text {i}", label) for i, label in enumerate(labels)])
        data = {"_target_": "poolsweep.data.sources.files.Files", "train": str(texts), "test": str(texts)}
        (folder / "config.yaml").write_text(yaml.safe_dump({"data": data}))
    page, found = loaded(ONE_REPORT, study)
    assert "text not shown" not in page, "premise: the texts are read again"
    assert "Texts in dispute" in page, "premise: the texts are read again"
    assert found == []

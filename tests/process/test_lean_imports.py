"""What takes long to import is imported only by what needs it, and while the garbage collector rests."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

LIGHTNING = {"pytorch_lightning", "lightning_fabric", "torchmetrics"}
# What takes a tenth of a second or more.
HEAVY = LIGHTNING | {
    "torch", "transformers", "datasets", "pandas", "scipy", "scipy.stats", "sklearn", "matplotlib", "pyarrow", "hydra",
    "peft", "wandb", "optuna", "tensorboard", "mlflow", "sentence_transformers", "onnx",
}  # fmt: skip
OF_MODELS = {"torch", "transformers", "pandas", "scipy", "pyarrow", "hydra"}
COMMAND = """
import gc, json, sys

class Watch:
    met = {}

    def find_spec(self, name, path=None, target=None):
        self.met.setdefault(name, gc.isenabled())

sys.meta_path.insert(0, Watch())
from poolsweep.cli import main
status = main(sys.argv[1:])
heavy = HEAVY & set(sys.modules)
print("imported:" + json.dumps([sorted(heavy), sorted(name for name in heavy if Watch.met.get(name))]))
sys.exit(status)
"""


@pytest.fixture
def imported(tmp_path, write_csv):
    """Runs a command; gives what heavy it has imported, once none of that was imported under the collector's eyes."""
    (tmp_path / "texts.csv").write_text("text\na cat\n", encoding="utf-8")
    write_csv(tmp_path / "train.csv", [(f"text {i}", "ab"[i % 2]) for i in range(40)])

    def run(*arguments: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND.replace("HEAVY", repr(HEAVY)), *arguments], capture_output=True, text=True,
            check=False, cwd=tmp_path, env={**os.environ, "POOLSWEEP_OUTPUTS": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found, collected = json.loads(done.stdout.rpartition("imported:")[2])
        assert not collected, "the collector looks through what they make"
        return set(found)

    return run


def train(trainer: str, *more: str) -> list[str]:
    return [
        "train", "data=files", "data.train=train.csv", "encoder=tiny", "encoder.frozen=true", f"trainer={trainer}",
        "pooling=cls", "study=s", *more,
    ]  # fmt: skip


def test_a_probe_its_answers_and_its_use_import_no_lightning(imported):
    assert imported(*train("probe")) <= OF_MODELS | {"datasets"}
    assert imported("predict", "s", "--input", "texts.csv", "--output", "out.csv") <= OF_MODELS
    assert imported("status", "s") == set()
    assert imported("report", "s") <= {"pandas", "scipy", "matplotlib", "pyarrow", "datasets"}


def test_training_imports_lightning_and_nothing_for_other_settings(imported):
    found = imported(*train("default", "trainer.max_epochs=1"))
    of_torchmetrics = {"matplotlib", "scipy.stats"}
    assert LIGHTNING <= found <= OF_MODELS | LIGHTNING | of_torchmetrics | {"datasets", "peft"}


def test_the_list_of_poolings_needs_torch_alone(imported):
    assert imported("poolings") == {"torch"}

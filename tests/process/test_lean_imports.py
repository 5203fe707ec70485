"""What takes seconds to import is imported only by what needs it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIGHTNING = ("pytorch_lightning", "lightning_fabric", "torchmetrics")
COMMAND = """
import sys
from poolsweep.cli import main
status = main(sys.argv[1:])
print("imported:", *({module.partition(".")[0] for module in sys.modules} & set(NAMES)))
sys.exit(status)
"""


def imported(*arguments: str, folder: str) -> str:
    """What a command has imported of Lightning and what comes with it."""
    program = COMMAND.replace("NAMES", repr(LIGHTNING))
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "POOLSWEEP_OUTPUTS": folder},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("imported:")[2].strip()


@pytest.mark.parametrize("trainer", ["probe", "default"])
def test_only_training_and_never_prediction_imports_lightning(tmp_path, write_csv, trainer):
    (tmp_path / "texts.csv").write_text("text\na cat\n", encoding="utf-8")
    write_csv(tmp_path / "train.csv", [(f"text {i}", "ab"[i % 2]) for i in range(40)])
    found = imported(
        "train", "data=files", "data.train=train.csv", "encoder=tiny", "encoder.frozen=true", f"trainer={trainer}",
        "pooling=cls", "study=s", *(["trainer.max_epochs=1"] if trainer == "default" else []), folder=str(tmp_path),
    )  # fmt: skip
    assert bool(found) == (trainer == "default"), found
    assert not imported("predict", "s", "--input", "texts.csv", "--output", "out.csv", folder=str(tmp_path))

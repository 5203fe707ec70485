"""Damages files of a run folder, and looks whether what follows is right or said to be wrong."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from poolsweep.cli import main

FINISHED = (
    "config.yaml", "labels.json", "metrics.csv", "predictions-validation.parquet", "predictions-test.parquet",
    "result.json", "status.json", "checkpoints/best.safetensors",
)  # fmt: skip
WAYS = ("half", "empty", "garbage", "zeros", "one bit", "gone")
SEED = 20261129
BITS = ("predictions-validation.parquet", "predictions-test.parquet", "checkpoints/best.safetensors")


def damage(path: Path, way: str, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if way == "one bit":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    changed = {
        "half": content[: len(content) // 2], "empty": b"", "garbage": chance.randbytes(len(content)),
        "zeros": bytes(len(content)), "one bit": content,
    }  # fmt: skip
    path.unlink()
    if way != "gone":
        path.write_bytes(changed[way])


def bits_of(folder: Path) -> dict[str, object]:
    metrics = json.loads((folder / "result.json").read_text())["metrics"]
    return {"metrics": metrics} | {name: (folder / name).read_bytes() for name in BITS}


def frozen_run(animals) -> list[str]:
    """Overrides of a probe that takes a fraction of a second."""
    return ["encoder=tiny", "data=files", f"data.train={animals}", "encoder.frozen=true", "trainer=probe",
            "trainer.accelerator=cpu"]  # fmt: skip


def finished_run(root: Path, *typed: str) -> Path:
    """Where the outputs of a run that finished lie, to be copied from."""
    assert main(["train", "-m", *typed, "seed=0", f"output_root={root}"]) == 0
    return root


def copy_of(root: Path, outputs: Path) -> tuple[Path, dict[str, object]]:
    """The folder of the finished run in a copy of its outputs, and its bits."""
    shutil.copytree(root, outputs)
    [result] = outputs.glob("default/*/result.json")
    return result.parent, bits_of(result.parent)


def try_one(cli, typed, root, outputs, *, name: str, way: str, chance: random.Random) -> None:
    """Damage a file, ask ``status`` and ``report``, type the command again, and hold the result against the first."""
    told = f"{name}, {way}"
    folder, before = copy_of(root, outputs)
    damage(folder / name, way, chance)
    for asked in (("status", "default"), ("report", "default")):
        done = cli(*asked)
        assert done.status in {0, 1, 2}, told
        assert "Traceback" not in done.err + done.out, told
        if asked[0] == "report" and name in {"result.json", "predictions-test.parquet", "config.yaml"}:
            assert done.status == 2 or "damaged" in done.out + done.err, f"{told}: the report said nothing"
    again = cli("train", "-m", *typed, "seed=0")
    assert again.status == 0, f"{told}: {again.err}"
    assert "Traceback" not in again.err, told
    if name not in {"status.json"} and not (name == "result.json" and way == "gone"):
        assert "is run again" in again.err, f"{told}: {again.err}"
    assert bits_of(folder) == before, told
    shutil.rmtree(outputs)

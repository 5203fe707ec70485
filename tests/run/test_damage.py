"""A damaged run folder: the same result comes out when the command is typed again, or what is wrong is said."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress

import pytest
from damages import SEED, WAYS, bits_of, damage, first_run, frozen_run, try_one


@pytest.fixture(scope="module")
def frozen(animals):
    return frozen_run(animals)


@pytest.fixture
def run(cli, outputs, frozen, tmp_path):
    return first_run(cli, outputs, frozen, tmp_path)


def test_a_finished_run(cli, outputs, frozen, run):
    """The ways are drawn; tests/system tries all of them on each file."""
    folder, before, whole = run
    chance = random.Random(SEED)
    names = ("result.json", "predictions-test.parquet", "checkpoints/best.safetensors", "config.yaml")
    for name, way in zip(names, chance.sample(WAYS, len(names)), strict=True):
        try_one(cli, frozen, folder, whole, before, name=name, way=way, chance=chance)


@pytest.mark.parametrize("way", ["half", "one bit"])
def test_best_weights_beside_whole_checkpoints(cli, short_run, outputs, bits, killed_at, way):
    """Where a checkpoint's best weights are others, it is not gone on from."""
    asked = ["train", *short_run, "trainer.max_epochs=1", "checkpoint.every_steps=1"]
    assert cli(*asked, "study=whole").status == 0
    [whole] = outputs.glob("whole/*/")
    expected = bits(whole)
    with suppress(BaseException), killed_at(12):
        cli(*asked, "study=killed")
    [folder] = outputs.glob("killed/*/")
    candidates = sorted((folder / "checkpoints").glob("best-*.safetensors"))
    assert candidates, "premise: a validation took place"
    for path in candidates:
        damage(path, way, random.Random(SEED))
    done = cli(*asked, "study=killed")
    assert done.status == 0, done.err
    assert bits(folder) == expected


@pytest.mark.parametrize(
    "name", ["config.yaml", "lock.json", "status.json", "labels.json", "metrics.csv", "checkpoints"]
)
def test_a_folder_or_link_in_the_place_of_a_file_is_set_aside(cli, frozen, run, tmp_path, name):
    folder, before, _ = run
    others = tmp_path / "others"
    others.mkdir()
    (others / "best.safetensors").write_text("not ours")
    (folder / "result.json").unlink()
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(others) if name == "checkpoints" else path.mkdir()
    done = cli("train", "-m", *frozen, "seed=0", "retry=all")
    assert done.status == 0, done.err
    assert bits_of(folder) == before
    assert [other.name for other in others.iterdir()] == ["best.safetensors"]
    assert (others / "best.safetensors").read_text() == "not ours"

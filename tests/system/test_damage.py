"""Every file of a finished and of a killed run, damaged in each of six ways."""

from __future__ import annotations

import random
import shutil

import pytest
from damages import FINISHED, SEED, WAYS, damage, finished_run, frozen_run, try_one

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(animals, tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("finished") / "outputs", *frozen_run(animals))


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_run(cli, outputs, animals, finished, name):
    chance = random.Random(SEED)
    for way in WAYS:
        try_one(cli, frozen_run(animals), finished, outputs, name=name, way=way, chance=chance)


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_run(cli, outputs, short_run, tmp_path, killed_at, bits, way):
    """It goes on from what is whole, and gives what an undisturbed run gives."""
    asked = ["train", *short_run, "trainer.max_epochs=1", "checkpoint.every_steps=1"]
    assert cli(*asked, "study=whole").status == 0
    [whole] = outputs.glob("whole/*/")
    expected = bits(whole)
    with killed_at(12) as kill, pytest.raises(kill.error):
        cli(*asked)
    [folder] = outputs.glob("default/*/")
    shutil.copytree(folder, tmp_path / "killed")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert sum("step-" in name for name in names) == 2, "premise: it has checkpoints"
    for name in names:
        told = f"{name}, {way}"
        damage(folder / name, way, random.Random(SEED))
        for verb in ("status", "report"):
            assert cli(verb, "default").status in {0, 1, 2}, told
        again = cli(*asked)
        assert again.status == 0, f"{told}: {again.err}"
        assert "Traceback" not in again.err, told
        assert bits(folder) == expected, told
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "killed", folder)

"""A damaged run folder: the same result comes out when the command is typed again, or what is wrong is said."""

from __future__ import annotations

import json
import random
import shutil
from contextlib import suppress

import pytest
from damages import SEED, WAYS, bits_of, copy_of, damage, finished_run, frozen_run, try_one

from poolsweep.runs.records import fingerprints, write_result


@pytest.fixture(scope="module")
def frozen(animals):
    return frozen_run(animals)


@pytest.fixture(scope="module")
def finished(frozen, tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("finished") / "outputs", *frozen)


@pytest.fixture
def run(finished, outputs):
    return copy_of(finished, outputs)


def test_a_finished_run(cli, outputs, frozen, finished):
    """The ways are drawn; tests/system tries all of them on each file."""
    chance = random.Random(SEED)
    names = ("result.json", "predictions-test.parquet", "config.yaml")
    for name, way in zip(names, chance.sample(WAYS, len(names)), strict=True):
        try_one(cli, frozen, finished, outputs, name=name, way=way, chance=chance)


def test_best_weights_beside_whole_checkpoints(cli, short_run, outputs, bits, killed_at):
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
        damage(path, "one bit", random.Random(SEED))
    done = cli(*asked, "study=killed")
    assert done.status == 0, done.err
    assert bits(folder) == expected


def test_what_stands_in_the_place_of_files_is_set_aside(cli, frozen, run, tmp_path):
    folder, before = run
    others = tmp_path / "others"
    others.mkdir()
    (others / "best.safetensors").write_text("not ours")
    (folder / "result.json").unlink()
    names = ("config.yaml", "lock.json", "status.json", "labels.json", "metrics.csv")
    for name in names:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()
    shutil.rmtree(folder / "checkpoints")
    (folder / "checkpoints").symlink_to(others)
    done = cli("train", "-m", *frozen, "seed=0", "retry=all")
    assert done.status == 0, done.err
    assert bits_of(folder) == before
    assert {path.name for path in folder.glob("*.set-aside-1")} == {f"{n}.set-aside-1" for n in (*names, "checkpoints")}
    assert [other.name for other in others.iterdir()] == ["best.safetensors"]
    assert (others / "best.safetensors").read_text() == "not ours"


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
)


@pytest.mark.parametrize("content", ["cut", "a bomb"])
def test_a_damaged_config_of_an_unfinished_run_is_set_aside(cli, frozen, run, content, caplog):
    folder, before = run
    (folder / "result.json").unlink()
    config = folder / "config.yaml"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(lines[: len(lines) // 2]) if content == "cut" else BOMB)
    done = cli("train", *frozen, "seed=0")
    assert done.status == 0, done.err
    [said] = [said for said in caplog.messages if "is set aside as config.yaml.set-aside-1" in said]
    assert ("its checksum is another" if content == "cut" else "has aliases, which no config has") in said
    assert bits_of(folder) == before


def test_a_config_that_blows_up_is_named_and_not_read(cli, run):
    folder, _ = run
    (folder / "config.yaml").write_text(BOMB)
    for verb in ("report", "status"):
        done = cli(verb, "default")
        assert "config.yaml is damaged" in done.out + done.err, verb
    write_result(folder, json.loads((folder / "result.json").read_text()) | {"files": fingerprints(folder)})
    for verb in ("report", "status"):  # neither needs it
        assert cli(verb, "default").status == 0
    explained = cli("explain", str(folder), "--text", "meow")
    assert (explained.status, len(explained.problems)) == (2, 1)
    assert "config.yaml has aliases, which no config has" in explained.err

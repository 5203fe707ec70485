"""trainer=debug: a short run that stands in no table but its own."""

from __future__ import annotations

import json


def test_a_debug_run_is_short_and_lies_in_a_study_of_its_own(cli, tiny_run, outputs):
    typed = [option for option in tiny_run if not option.startswith("trainer.max_epochs")]
    done = cli("train", *typed, "data.batch_size=4", "trainer=debug")
    assert done.status == 0, done.err
    [path] = outputs.glob("*/*/result.json")
    result = json.loads(path.read_text())
    assert path.parent.parent.name == result["study"] == "debug"
    assert (result["epochs"], result["steps"]) == (1, 3)


def test_steps_that_end_before_the_first_validation_are_a_run(cli, tiny_run, outputs):
    done = cli("train", *tiny_run, "+trainer.max_steps=2")
    assert done.status == 0, done.err
    [path] = outputs.glob("default/*/result.json")
    assert json.loads(path.read_text())["steps"] == 2


def test_the_config_is_shown_as_a_tree(cli, tiny_run, outputs):
    done = cli("train", *tiny_run, "trainer=debug", "--print-config", "pooling=max")
    assert done.status == 0, done.err
    tree = done.err.splitlines()
    assert "├── seed: 0" in tree
    assert any(line.endswith("└── include_special: true") for line in tree)
    assert any("_target_: poolsweep.pooling.tokens.max.Max" in line for line in tree)
    refused = cli("train", "-m", *tiny_run, "--print-config", "seed=0,1")
    assert refused.status == 2
    assert refused.problems == ["--print-config shows the config of one run, and -m runs a sweep: leave one out"]

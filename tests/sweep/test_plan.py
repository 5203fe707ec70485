"""A combination that cannot be is skipped and named; what cannot be in any is refused."""

from __future__ import annotations

import json

import pytest

from poolsweep.runs.plan import Skipped, read_skipped, write_skipped

FAST = ["encoder.frozen=true", "trainer.max_epochs=1", "encoder.num_layers=2"]


def test_a_pattern_runs_the_poolings_that_can_be_and_names_the_others_in_one_line(cli, tiny_run, outputs):
    typed = ["train", "-m", *tiny_run, *FAST, "pooling=glob([cls,cls_last4*,m*])", "seed=0,1"]
    done = cli(*typed)
    assert done.status == 0, done.err
    [line] = [line for line in done.err.splitlines() if "skipped" in line]
    assert line.startswith(
        "note: skipped, since they cannot be: pooling=cls_last4_concat, pooling=cls_last4_max, pooling=cls_last4_mean, "
    )
    poolings = {json.loads(path.read_text())["pooling"] for path in outputs.glob("default/*/result.json")}
    assert poolings == {"cls", "masked_mean", "max"}
    again = cli(*typed)
    assert again.status == 0
    assert "6 finished before" in again.err


@pytest.mark.usefixtures("no_new_files")
def test_what_is_named_and_cannot_be_is_refused(cli, tiny_run):
    done = cli("train", "-m", *tiny_run, *FAST, "pooling=cls,cls_last4_mean")
    assert (done.status, len(done.problems)) == (2, 1)
    assert "pooling.layers" in done.problems[0]
    beside = cli("train", "-m", *tiny_run, *FAST, "pooling/layers=last,last4_mean", "pooling/tokens=glob(m*n)")
    assert (beside.status, beside.problems) == (2, done.problems)
    all_of_them = cli("train", "-m", *tiny_run, *FAST, "pooling=glob(cls_last4*)", "seed=0,1")
    assert all_of_them.status == 2


PAIRS = ["encoder.num_layers=2,4", "pooling=cls,cls_last4_mean"]
SKIPPED = "encoder.num_layers=2 pooling=cls_last4_mean"


@pytest.mark.parametrize("kind", ["grid", "race"])
def test_a_pair_that_cannot_be_is_skipped_and_named_wherever_the_study_is_shown(cli, tiny_run, outputs, kind):
    typed = ["train", "-m", *tiny_run, *FAST[:2], *PAIRS, "seed=0,1", f"sweep={kind}"]
    done = cli(*typed)
    assert done.status == 0, done.err
    [line] = [line for line in done.err.splitlines() if "skipped" in line]
    assert line.startswith(f"note: skipped, since it cannot be: {SKIPPED} (pooling.layers")
    assert len(list(outputs.glob("default/*/result.json"))) == 6
    status = cli("status", "default").out.splitlines()
    assert status[0] == "default: 6 runs, 6 finished; 1 skipped, which cannot be"
    assert status[1].startswith(f"  skipped  {SKIPPED}  pooling.layers")
    [skipped] = json.loads(cli("status", "default", "--json").out)["studies"][0]["skipped"]
    assert (skipped["name"], skipped["pooling"], skipped["encoder"]) == (SKIPPED, "cls_last4_mean", "tiny")
    write_skipped(outputs / "default", [], possible={SKIPPED})
    assert read_skipped(outputs / "default") == [], "it can be now"


def test_a_pooling_that_one_trainer_cannot_train_is_skipped_with_that_one(cli, tiny_run, outputs):
    typed = [one for one in tiny_run if not one.startswith("trainer.")]
    swept = ["trainer=default,probe", "trainer.accelerator=cpu", "pooling=cls,cls_attention", "encoder.frozen=true"]
    done = cli("train", "-m", *typed, *swept)
    assert "skipped, since it cannot be: trainer=probe pooling=cls_attention (trainer=probe needs a pooling" in done.err
    assert len(list(outputs.glob("*/*/result.json"))) == 3, done.err


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize(
    "swept",
    [
        ["encoder.num_layers=2,3", "pooling=cls,cls_last4_mean"],  # a pooling without an encoder
        ["encoder.num_layers=2,4", "pooling=cls_last4_mean"],  # an encoder without a pooling
        [
            "encoder.num_layers=4",
            "pooling=cls,cls_last4_mean",
            "sweep.also=['encoder.num_layers=2 pooling=cls_last4_max']",
        ],
        ["encoder.num_layers=2,3", "pooling=cls,cls_last4_mean", "sweep=optuna", "optuna.trials=1"],
    ],
)
def test_what_is_named_and_goes_with_nothing_is_refused(cli, tiny_run, swept):
    done = cli("train", "-m", *tiny_run, *FAST[:2], *swept)
    assert done.status == 2, done.err
    assert all(problem.startswith("pooling.layers.last must lie between 1 and") for problem in done.problems)


def test_records_of_what_was_skipped_are_read_with_care(tmp_path):
    whole = {"name": "pooling=cls", "pooling": "cls", "encoder": "e", "reason": "r"}
    odd = [whole | {"reason": 7}, whole | {"more": "x"}, {"name": "x"}, "x", whole | {"name": "x" * 10_001}]
    content = {"runs": [], "skipped": {str(place): one for place, one in enumerate([whole, *odd])}}
    (tmp_path / "planned.json").write_text(json.dumps(content))
    assert read_skipped(tmp_path) == [Skipped(**whole)]

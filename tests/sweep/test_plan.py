"""A pattern leaves out what cannot be; what is named is refused."""

from __future__ import annotations

import json

import pytest

FAST = ["encoder.frozen=true", "trainer.max_epochs=1", "encoder.num_layers=2"]


def test_a_pattern_runs_the_poolings_that_can_be_and_names_the_others_in_one_line(cli, tiny_run, outputs):
    typed = ["train", "-m", *tiny_run, *FAST, "pooling=glob([cls,cls_last4*,m*])", "seed=0,1"]
    done = cli(*typed)
    assert done.status == 0, done.err
    [line] = [line for line in done.err.splitlines() if "left out" in line]
    assert line.startswith(
        "note: left out of the pattern, since they cannot be here: cls_last4_concat, cls_last4_max, cls_last4_mean, "
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

"""Runs of every task that are killed, or trained by two processes."""

from __future__ import annotations

import json

import pytest
from two_processes import require_two_do_what_one_does, the_run

BY_TOKENS = ("data.batching=by_tokens", "data.max_length=40", "data.max_tokens=240")


@pytest.mark.parametrize(
    ("kind", "more"),
    [("siamese", ()), ("siamese", BY_TOKENS), ("multilabel", ()), ("regression", ()), ("weighted", ())],
    ids=lambda value: value if isinstance(value, str) else "tokens" if value else "rows",
)
def test_killed_and_typed_again_gives_the_same_bits(cli, run_of, outputs, killed_at, bits, kind, more):
    typed = ["train", *run_of(kind), *more, "checkpoint.every_steps=1", "trainer.max_epochs=1"]
    assert cli(*typed, "study=alone").status == 0
    with killed_at(4) as kill, pytest.raises(kill.error):
        cli(*typed, "study=killed")
    done = cli(*typed, "study=killed")
    assert done.status == 0, done.err
    assert json.loads((the_run(outputs, "killed") / "result.json").read_text())["resumed_at"]
    assert bits(the_run(outputs, "killed")) == bits(the_run(outputs, "alone"))


@pytest.mark.parametrize("kind", ["siamese", "multilabel"])  # tests/system has the others
def test_two_processes_compute_what_one_does(cli, run_of, outputs, kind):
    require_two_do_what_one_does(cli, run_of(kind), outputs)

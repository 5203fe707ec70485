"""Killed at every moment of a run, under every setting that touches the loops: always the same bits."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.slow

EACH_STEP = "checkpoint.every_steps=1"
KINDS = {
    "each step": [EACH_STEP],
    "each third step": ["checkpoint.every_steps=3"],
    "accumulated gradients": [EACH_STEP, "trainer.accumulate_grad_batches=2"],
    "validated at the epoch's end": [EACH_STEP, "trainer.val_check_interval=1.0"],
    "early stopping": [EACH_STEP, "callbacks.early_stopping.patience=1", "trainer.max_epochs=9"],
    "an epoch without validation": [
        EACH_STEP, "trainer.val_check_interval=1.0", "+trainer.check_val_every_n_epoch=2",
    ],
    "frozen": [EACH_STEP, "encoder.frozen=true"],
    "bf16": [EACH_STEP, "trainer.precision=bf16-mixed"],
    "workers": [EACH_STEP, "data.num_workers=2"],
}  # fmt: skip
TASKS = ("siamese", "multilabel", "regression", "weighted")


@pytest.fixture(autouse=True)
def no_workers_left() -> Iterator[None]:
    """Workers of a data loader that outlive their run hold a browser's pipes, which then waits for their end."""
    yield
    gc.collect()  # what held an interrupted run was its exception
    assert not multiprocessing.active_children()


STRIDES = {"workers": 4}  # starting processes takes long


@pytest.mark.parametrize("kind", [*KINDS, *TASKS])
def test_killed_at_every_moment(kind, cli, short_run, run_of, outputs, killed_at, bits):
    typed = ["train", *(run_of(kind) if kind in TASKS else short_run), *KINDS.get(kind, [EACH_STEP])]
    with killed_at(-1) as all_moments:
        assert cli(*typed, "study=alone").status == 0
    [alone] = outputs.glob("alone/*/")
    expected, resumed = bits(alone), 0
    moments = list(enumerate(all_moments.seen))[:: STRIDES.get(kind, 1)]
    for moment, name in moments:
        study = f"study=at{moment}"
        with killed_at(moment) as kill, pytest.raises(kill.error):
            cli(*typed, study)
        with killed_at(-1) as again:
            done = cli(*typed, study)
        assert done.status == 0, done.err
        [folder] = outputs.glob(f"at{moment}/*/")
        assert bits(folder) == expected, (moment, name)
        resumed += again.seen != all_moments.seen
    assert resumed > len(moments) / 2, "premise: most went on from a checkpoint"

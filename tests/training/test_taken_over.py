"""A process whose run was taken over while it was stopped writes nothing more into the run's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.model.lightning import LightningClassifier
from poolsweep.probe import run as probe
from poolsweep.probe.evaluation import Evaluated
from poolsweep.process.owner import owner

FINE_TUNED = ["trainer.max_epochs=1", "checkpoint.every_steps=1"]
PROBE = ["encoder.frozen=true", "trainer=probe"]
MOMENTS = {
    "a step": (LightningClassifier, "training_step", FINE_TUNED),
    "a validation": (LightningClassifier, "validation_step", FINE_TUNED),
    "best weights get their name": (BestWeights, "publish", FINE_TUNED),
    "the test": (LightningClassifier, "test_step", FINE_TUNED),
    "a penalty of a probe": (Evaluated, "metrics", PROBE),
    "the test of a probe": (probe, "_install", PROBE),
    "a run of a sweep": (Evaluated, "metrics", ["-m", *PROBE]),
}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_writes_nothing_more(moment, cli, tiny_run, outputs, monkeypatch):
    where, name, overrides = MOMENTS[moment]
    before, method = {}, getattr(where, name)

    def taken_over(*given, **options):
        if not before:
            [folder] = outputs.glob("default/*/")
            (folder / "lock.json").write_text(json.dumps({**owner(), "token": "theirs"}))
            before.update(files(folder))
        return method(*given, **options)

    monkeypatch.setattr(where, name, taken_over)
    done = cli("train", *tiny_run[:3], *overrides, "trainer.accelerator=cpu")
    assert before, "premise: it came to that moment"
    assert (done.status, "Traceback" in done.err) == (1, False)
    assert "-m" in overrides or "another process took this run over" in done.problems[-1]
    [folder] = outputs.glob("default/*/")
    assert files(folder) == before

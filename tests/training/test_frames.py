"""A run is near to what was typed: few frames, one check, one load."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path

import pytorch_lightning as pl

import poolsweep
from poolsweep.encoder import tiny
from poolsweep.sweep import plan
from poolsweep.training import job

OURS = Path(poolsweep.__file__).parent
MOST = 7


def test_at_most_seven_frames_of_ours_stand_between_main_and_lightnings_fit(cli, tiny_run, monkeypatch):
    fit, seen = pl.Trainer.fit, []

    def look(self, *given, **options):
        frames = [frame for frame in inspect.stack() if Path(frame.filename).is_relative_to(OURS)]
        seen.append([f"{Path(frame.filename).relative_to(OURS)}:{frame.function}" for frame in reversed(frames)])
        return fit(self, *given, **options)

    monkeypatch.setattr(pl.Trainer, "fit", look)
    assert cli("train", *tiny_run).status == 0
    [frames] = seen
    print(*frames, sep="\n")
    first = frames.index("cli/program.py:main")
    assert frames[-1].endswith(":fit")
    assert len(frames) - first - 1 <= MOST, frames


def count_calls(monkeypatch, calls, name, place):
    function = getattr(place, name)

    @functools.wraps(function)
    def call(*given, **options):
        calls.append(name)
        return function(*given, **options)

    monkeypatch.setattr(place, name, call)


def test_an_encoder_that_is_trained_is_loaded_once_and_a_config_is_validated_once(cli, tiny_run, monkeypatch):
    calls: list[str] = []
    count_calls(monkeypatch, calls, "tiny", tiny)
    count_calls(monkeypatch, calls, "validate", job)
    assert cli("train", *tiny_run).status == 0
    assert sorted(calls) == ["tiny", "validate"]


def test_a_sweep_composes_and_validates_each_run_once(cli, tiny_run, monkeypatch):
    calls: list[str] = []
    count_calls(monkeypatch, calls, "validate", job)
    count_calls(monkeypatch, calls, "validate", plan)
    count_calls(monkeypatch, calls, "resolve", plan)
    assert cli("train", "-m", *tiny_run, "encoder.frozen=true", "pooling=cls,masked_mean", "seed=0,1").status == 0
    assert sorted(calls) == ["resolve"] * 4 + ["validate"] * 4

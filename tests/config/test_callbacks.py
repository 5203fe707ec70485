"""Callbacks that a run cannot have are refused by name, before it begins."""

from __future__ import annotations

import pytest

OWN = """
from pytorch_lightning.callbacks import Callback, EMAWeightAveraging, WeightAveraging


class Mine(EMAWeightAveraging):
    pass


def made() -> Callback:
    return EMAWeightAveraging()
"""
REFUSED = {
    "EMAWeightAveraging": "validation would measure averaged weights",
    "WeightAveraging": "validation would measure averaged weights",
    "StochasticWeightAveraging": "its average is made after the last validation",
    "ModelPruning": "it renames the weights",
    "BatchSizeFinder": "trainer.on_oom=halve",
    "ModelCheckpoint": "a run keeps its best weights itself",
    "TQDMProgressBar": "poolsweep shows how runs go itself",
    "EarlyStopping": "poolsweep.callbacks.early_stopping.EarlyStopping knows the direction",
}


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("name", REFUSED)
def test_lightnings_callbacks_that_change_what_is_measured_are_refused_with_the_reason(cli, tiny_run, name):
    target = f"pytorch_lightning.callbacks.{name}"
    done = cli("train", "-m", *tiny_run, f"+callbacks.other._target_={target}", "seed=0,1")
    assert done.status == 2
    assert done.problems[0].startswith(f"callbacks.other._target_={target} is refused: ")
    assert REFUSED[name] in done.problems[0]


def test_so_are_classes_of_ones_own_that_derive_from_them_and_functions_that_make_them(
    cli, tiny_run, tmp_path, monkeypatch
):
    (tmp_path / "averaging.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    typed = ["train", *tiny_run, "trusted=[averaging]"]
    done = cli(*typed, "+callbacks.mine._target_=averaging.Mine")
    assert done.status == 2
    assert "callbacks.mine._target_=averaging.Mine is refused: validation would measure averaged" in done.problems[0]
    made = cli(*typed, "+callbacks.mine._target_=averaging.made")
    assert made.status == 2
    assert made.problems[-1].startswith("callbacks: EMAWeightAveraging is refused: validation would measure averaged")


@pytest.mark.parametrize("name", ["LearningRateMonitor", "DeviceStatsMonitor", "ModelSummary"])
def test_those_that_only_watch_run(cli, tiny_run, name):
    typed = [*tiny_run, "encoder.frozen=true", f"+callbacks.other._target_=pytorch_lightning.callbacks.{name}"]
    done = cli("train", *typed, "trainer.max_epochs=1")
    assert done.status == 0, done.err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("callbacks.early_stopping.patience=long", "callbacks.early_stopping.patience must be"),
        ("+callbacks.other._target_=pytorch_lightning.callbacks.ModelPruning", "it renames the weights"),
    ],
)
def test_a_probe_which_reads_none_refuses_the_same(cli, tiny_run, typed, said):
    run = [key for key in tiny_run if not key.startswith("trainer.")]
    done = cli("train", *run, "encoder.frozen=true", "trainer=probe", typed)
    assert done.status == 2
    assert any(said in problem for problem in done.problems), done.problems

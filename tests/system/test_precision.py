"""Every preset trains, validates and tests in every precision: loss and gradients stay finite, and all is written."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import pytorch_lightning as pl
import torch

from poolsweep.config import Node, RunConfig
from poolsweep.pooling.presets import load_preset, preset_names
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.fit import TrainingRun
from poolsweep.training.prepare import prepare

PRECISIONS = {
    "32": torch.float32, "bf16-mixed": torch.float32, "16-mixed": torch.float32, "bf16-true": torch.bfloat16
}  # fmt: skip


class Seen(pl.Callback):
    """What an optimizer is about to step with."""

    def __init__(self) -> None:
        self.without_gradient: set[str] = set()
        self.infinite: set[str] = set()
        self.steps = 0

    def on_before_optimizer_step(self, trainer, pl_module, optimizer) -> None:
        """Called after the loss scaler has been taken out."""
        self.steps += 1
        for name, parameter in pl_module.named_parameters():
            if parameter.grad is None:
                self.without_gradient.add(name)
            elif not bool(parameter.grad.isfinite().all()):
                self.infinite.add(name)


@pytest.fixture(scope="module")
def content(animals: Path) -> Node:
    """The resolved config of a short run; each test puts its pooling and precision into a copy."""
    from hydra import compose, initialize_config_dir

    from poolsweep.conf_dir import conf_dir
    from poolsweep.config import resolve

    overrides = [
        "encoder=tiny", "data=files", f"data.train={animals}", "data.batch_size=16", "trainer.max_epochs=1",
        "+trainer.limit_train_batches=2", "trainer.log_every_n_steps=1", "trainer.accelerator=cpu", "callbacks=none",
        "encoder.packing=auto",
    ]  # fmt: skip
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return resolve(compose("train", overrides=["task=classification", *overrides])).content


def assert_trains(config: RunConfig, folder: RunFolder, *, dtype: torch.dtype) -> None:
    quiet_third_parties()
    status = StatusFile(folder, name="", run_id="0", lock=None)
    run = build(config, prepare(config), folder=folder, run_id="0", status=status)
    assert isinstance(run, TrainingRun)
    seen, before = Seen(), {name: p.detach().clone() for name, p in run.classifier.named_parameters()}
    run.trainer.callbacks.append(seen)
    run.trainer.fit(run.classifier, datamodule=run.data)
    assert seen.steps == 2
    assert not seen.infinite
    assert math.isfinite(run.trainer.logged_metrics["train/loss"])
    assert {p.dtype for p in run.classifier.parameters()} == {dtype}
    parameters = run.classifier.named_parameters()
    moved = [name for name, p in parameters if not torch.equal(p.detach().cpu(), before[name].to(dtype))]
    for part in ("encoder.", "head."):
        assert any(name.startswith(part) for name in moved), f"no weight of {part} has moved"
    untrained = {name for name in seen.without_gradient if not name.startswith("encoder.")}
    assert not untrained, "every weight of pooling and head has a gradient"
    metrics = run.evaluate(folder)
    assert all(math.isfinite(value) for value in metrics.values()), metrics
    for split, rows in run.data.rows.items():
        if split != "train":
            table = pq.read_table(folder.predictions(split))
            sums = [sum(row) for row in table["probabilities"].to_pylist()]
            assert len(sums) == len(rows)
            assert sums == pytest.approx([1.0] * len(sums), abs=1e-5)


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "accelerator", [pytest.param("cpu", marks=pytest.mark.slow), pytest.param("cuda", marks=pytest.mark.gpu)]
)
def test_every_pooling_trains_in_every_precision(accelerator, precision, name, content, tmp_path):
    trainer = content["trainer"] | {"precision": precision, "accelerator": accelerator}
    pooling = load_preset(name)
    if name == "own":  # of no folder
        pooling["tokens"] |= {"modes": ["mean"], "after": ["Dense 8 Tanh", "Normalize"]}
    chosen = RunConfig.of({**content, "pooling": {**content["pooling"], **pooling}, "trainer": trainer})
    assert_trains(chosen, RunFolder(tmp_path / "run"), dtype=PRECISIONS[precision])

"""Averaged weights are those of torch's own averages, and are what is measured, selected, saved and tested."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import warnings

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

from poolsweep.callbacks.average.ema import Ema
from poolsweep.callbacks.average.swa import Swa
from poolsweep.model.lightning import LightningClassifier


class Toy(pl.LightningModule):
    """Three outputs, of which one layer is not trained; keeps the weights after each optimizer step."""

    scheduled_steps = 12

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.head = nn.Linear(4, 3)
        self.after_step: list[dict[str, torch.Tensor]] = []
        self.validated: list[dict[str, torch.Tensor]] = []

    def now(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.head.state_dict().items()}

    def training_step(self, batch, batch_idx):
        if self.global_step > len(self.after_step):
            self.after_step.append(self.now())
        return nn.functional.cross_entropy(self.head(self.frozen(batch[0])), batch[1])

    def validation_step(self, batch, batch_idx):
        self.validated.append(self.now())

    def configure_optimizers(self):
        return torch.optim.SGD(self.head.parameters(), lr=0.5)


def trained(callback: pl.Callback, *, accumulate: int = 1, precision: str = "32-true") -> Toy:
    torch.manual_seed(1)
    rows = DataLoader(TensorDataset(torch.randn(24 * accumulate, 4), torch.arange(24 * accumulate) % 3), batch_size=2)
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[callback], accumulate_grad_batches=accumulate, precision=precision,
        num_sanity_val_steps=0, val_check_interval=4 * accumulate,
    )  # fmt: skip
    toy = Toy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's, on workers and on torch's own trees
        trainer.fit(toy, rows, DataLoader(rows.dataset, batch_size=24 * accumulate))
    return toy


def reference(toy: Toy, steps, average) -> dict[str, torch.Tensor]:
    """torch's ``AveragedModel``, told of the weights after some steps."""
    model = nn.Linear(4, 3)
    averaged = AveragedModel(model, multi_avg_fn=average)
    for step in steps:
        model.load_state_dict(toy.after_step[step])
        averaged.update_parameters(model)
    return dict(averaged.module.state_dict())


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(
    ("callback", "first", "every", "average"),
    [
        (lambda: Ema(decay=0.9, warmup=False, start=0.0, every=1), 0, 1, get_ema_multi_avg_fn(0.9)),
        (lambda: Ema(decay=0.5, warmup=False, start=0.25, every=2), 3, 2, get_ema_multi_avg_fn(0.5)),
        (lambda: Swa(start=0.25, every=1), 3, 1, get_swa_multi_avg_fn()),
        (lambda: Swa(start=0.0, every=3), 0, 3, get_swa_multi_avg_fn()),
    ],
)
def test_each_validation_measures_torchs_average_of_the_optimizer_steps(callback, first, every, average, accumulate):
    toy = trained(callback(), accumulate=accumulate)
    assert len(toy.validated) == 3, "premise: a validation after 4, 8 and 12 steps"
    for found, after in zip(toy.validated[:2], (4, 8), strict=True):
        torch.testing.assert_close(found, reference(toy, range(first, after, every), average))
    assert not torch.equal(toy.validated[1]["weight"], toy.after_step[7]["weight"]), "premise: it is not the weights"
    torch.testing.assert_close(toy.now(), toy.validated[-1])  # left in the module


def test_the_warm_up_is_tensorflows():
    toy = trained(Ema(decay=0.8, warmup=True, start=0.0, every=1))
    expected = toy.after_step[0]["weight"].double()
    for n, weights in enumerate(toy.after_step[1:8], 1):
        decay = min(0.8, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * weights["weight"].double()
    torch.testing.assert_close(toy.validated[1]["weight"].double(), expected, rtol=1e-5, atol=1e-6)


def test_before_it_begins_the_weights_themselves_are_measured_and_training_is_left_as_it_is():
    toy, alone = trained(Swa(start=0.5, every=1)), trained(pl.Callback())
    torch.testing.assert_close(toy.validated[0], toy.after_step[3], rtol=0, atol=0)
    for averaged, plain in zip(toy.after_step, alone.after_step, strict=True):
        torch.testing.assert_close(averaged, plain, rtol=0, atol=0)


def test_an_average_of_half_precision_is_in_float32():
    toy = trained(Ema(decay=0.999, warmup=False, start=0.0, every=1), precision="bf16-true")
    kept = {name: value.float() for name, value in toy.after_step[0].items()}
    for weights in toy.after_step[1:8]:
        kept = {name: 0.999 * value + 0.001 * weights[name].float() for name, value in kept.items()}
    assert toy.validated[1]["weight"].dtype is torch.bfloat16
    torch.testing.assert_close(toy.validated[1]["weight"], kept["weight"].bfloat16())


def column(folder, name: str) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


@pytest.mark.parametrize("frozen", [[], ["encoder.frozen=true", "postprocess=standardize"]], ids=["tuned", "frozen"])
def test_a_run_selects_saves_and_tests_the_average(cli, short_run, outputs, frozen):
    typed = ["train", *short_run, *frozen, "optimizer.head_lr=1e-2", "scheduler=constant", "callbacks=none"]
    folders = {}
    for name, chosen in {"ema": ["callbacks.average=ema"], "swa": ["callbacks.average=swa"], "none": []}.items():
        done = cli(*typed, *chosen, f"study={name}")
        assert done.status == 0, done.err
        [folders[name]] = outputs.glob(f"{name}/*/")
    assert column(folders["ema"], "train/loss") == column(folders["none"], "train/loss")
    assert column(folders["ema"], "val/loss") != column(folders["none"], "val/loss")
    swa, plain = column(folders["swa"], "val/loss"), column(folders["none"], "val/loss")
    assert swa[:3] == plain[:3], "premise: three validations before three quarters of the steps"
    assert swa[3] != plain[3]
    for name in ("ema", "swa"):
        result = json.loads((folders[name] / "result.json").read_text())
        assert result["metrics"]["val/loss"] in column(folders[name], "val/loss"), "what was measured is what was saved"
        saved, other = (load_file(folders[one] / "checkpoints" / "best.safetensors") for one in (name, "none"))
        assert not torch.equal(saved["head.classifier.weight"], other["head.classifier.weight"])
    assert json.loads((folders["swa"] / "result.json").read_text())["best_step"] > 0.75 * 14


AVERAGES = {
    "ema": ["callbacks.average=ema"],
    "swa, before and after it begins": [
        "callbacks.average=swa", "callbacks.average.start=0.4", "trainer.accumulate_grad_batches=2",
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", AVERAGES)
def test_killed_at_any_step_it_goes_on_with_the_same_bits(cli, short_run, outputs, killed_at, bits, kind):
    typed = ["train", *short_run, *AVERAGES[kind], "checkpoint.every_steps=1"]
    with killed_at(-1) as moments:
        assert cli(*typed, "study=alone").status == 0
    [alone] = outputs.glob("alone/*/")
    expected = bits(alone)
    for moment in range(2, len(moments.seen), 17):
        with killed_at(moment) as kill, pytest.raises(kill.error):
            cli(*typed, "study=killed")
        done = cli(*typed, "study=killed")
        assert done.status == 0, done.err
        [killed] = outputs.glob("killed/*/")
        assert bits(killed) == expected, moments.seen[moment]
        shutil.rmtree(killed)


def test_asked_to_leave_while_the_average_is_measured_it_saves_what_is_trained(
    cli, short_run, outputs, monkeypatch, bits
):
    typed = ["train", *short_run, "callbacks.average=ema"]
    assert cli(*typed, "study=alone").status == 0
    original, asked = LightningClassifier.validation_step, []

    def validation_step(self, batch, batch_idx):
        if self.global_step == 6 and not asked:
            asked.append(os.kill(os.getpid(), signal.SIGTERM))
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(LightningClassifier, "validation_step", validation_step)
        assert cli(*typed, "study=asked").status == 128 + signal.SIGTERM
    assert cli(*typed, "study=asked").status == 0
    [alone], [left] = outputs.glob("alone/*/"), outputs.glob("asked/*/")
    assert json.loads((left / "result.json").read_text())["resumed_at"] == 6
    assert bits(left) == bits(alone)


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (["encoder.frozen=true", "trainer=probe"], "trainer=probe solves its head, and has no steps to average over"),
        (["trainer.strategy=fsdp", "trainer.devices=2"], "callbacks.average averages weights that are whole on every"),
        (["callbacks.average.decay=1.0"], "callbacks.average.decay must be below 1, got 1.0"),
        (["callbacks.average.every=0"], "callbacks.average.every must be at least 1, got 0"),
        (
            [f"+callbacks.m.{key}" for key in ("_target_=poolsweep.callbacks.average.swa.Swa", "start=0.5", "every=1")],
            "a run has one average of its weights, got callbacks.average and callbacks.m",
        ),
    ],
)  # fmt: skip
def test_what_an_average_cannot_be_is_refused_by_name(cli, tiny_run, typed, problem):
    given = (
        [one for one in tiny_run if not one.startswith("trainer.max_epochs")] if "trainer=probe" in typed else tiny_run
    )
    done = cli("train", *given, "callbacks.average=ema", *typed)
    assert done.status == 2
    assert any(one.startswith(problem) for one in done.problems), done.problems

"""Recipes of fine-tuning: what goes together, where a solved head starts, and the same bits after a kill."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from poolsweep.encoder import Encoder
from poolsweep.model.lightning import LightningClassifier


def the_run(outputs: Path, study: str) -> Path:
    [folder] = outputs.glob(f"{study}/*/")
    return folder


FROZEN = "needs an encoder that is trained: encoder.frozen=false"
REFUSED = {
    ("encoder.train=top:2", "encoder.frozen=true"): f"encoder.train=top:2 {FROZEN}",
    ("encoder.unfreeze_every=1", "encoder.frozen=true"): f"encoder.unfreeze_every=1 {FROZEN}",
    ("encoder.reinitialise_top=1", "encoder.frozen=true"): f"encoder.reinitialise_top=1 {FROZEN}",
    ("optimizer.layer_decay=0.9", "encoder.frozen=true"): f"optimizer.layer_decay=0.9 {FROZEN}",
    ("init=probe", "encoder.frozen=true"): f"init=probe {FROZEN}",
    ("encoder.train=top:1", "encoder/adapter=lora"): (
        "encoder.train=top:1 and encoder/adapter both say what is trained: leave one out"
    ),
    ("encoder.train=top:3",): "encoder.train=top:3: pooling=masked_mean of tiny runs 2 layers",
    ("encoder.train=top:2", "pooling=second_to_last_mean"): (
        "encoder.train=top:2: pooling=second_to_last_mean of tiny runs 1 layers"
    ),
    ("encoder.reinitialise_top=3",): "encoder.reinitialise_top=3: pooling=masked_mean of tiny runs 2 layers",
    ("encoder.reinitialise_top=2", "encoder.train=top:1"): (
        "encoder.reinitialise_top=2 draws weights anew that encoder.train=top:1 does not train"
    ),
    ("encoder.reinitialise_top=1", "init=probe"): (
        "init=probe solves a head for layers as they are, and encoder.reinitialise_top=1 draws them anew; leave one out"
    ),
    ("init=probe", "pooling=bert_attention"): "init=probe needs a pooling without parameters of its own",
    ("init=probe", "loss=focal"): "init=probe solves loss=cross_entropy for task=classification",
    ("init=solved",): "init must be 'random' or 'probe', got 'solved'",
    ("r_drop=-1",): "r_drop must be at least 0, got -1",
    ("optimizer.layer_decay=1.5",): "optimizer.layer_decay must be at most 1, got 1.5",
    ("encoder.train=top:0",): "encoder.train must be all, norms_and_biases, or top:N for the top N layers, got 'top:0'",
}  # fmt: skip


@pytest.mark.parametrize("overrides", REFUSED)
def test_what_does_not_go_together_is_refused_in_a_line(overrides, cli, short_run, no_new_files):
    done = cli("train", *short_run, *overrides)
    assert done.status == 2
    assert any(problem.startswith(REFUSED[overrides]) for problem in done.problems), done.err
    assert "Traceback" not in done.err


def test_two_passes_and_a_probe_do_not_go_together(cli, tiny_run, no_new_files):
    typed = [one for one in tiny_run if not one.startswith("trainer.max_epochs")]
    done = cli("train", *typed, "r_drop=1.0", "encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu")
    assert done.problems == ["r_drop=1.0 compares two passes of training, and a probe has none"]


def test_a_sweep_leaves_out_what_has_too_few_layers_and_names_it(cli, short_run, outputs):
    typed = [*short_run, "trainer.max_epochs=1", "encoder.train=all,top:2", "pooling=masked_mean,embeddings_mean"]
    done = cli("train", "-m", *typed)
    assert done.status == 0, done.err
    assert "skipped, since it cannot be" in done.err
    assert "pooling=embeddings_mean (encoder.train=top:2: pooling=embeddings_mean of tiny runs 0 layers)" in done.err
    assert len([*outputs.glob("default/*/result.json")]) == 3


@pytest.fixture
def scored(write_csv, tmp_path) -> Path:
    rows = [(f"{'good ' * (i % 5)}{i}", str(float(i % 5) + (i % 3) / 10)) for i in range(60)]
    return write_csv(tmp_path / "scored.csv", rows)


@pytest.fixture
def tagged(write_csv, tmp_path) -> Path:
    words = {"a": "meow", "b": "woof", "c": "huhu"}
    rows = []
    for i in range(60):
        chosen = [name for place, name in enumerate(words) if i >> place & 1] or ["a"]
        rows.append((" ".join(words[name] for name in chosen) + f" {i}", "|".join(chosen)))
    return write_csv(tmp_path / "tagged.csv", rows)


KINDS = {
    "classification": [],
    "multilabel": ["task=multilabel", "loss=binary_cross_entropy"],
    "regression": ["task=regression", "loss=mse"],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("postprocess", ["auto", "standardize"])
def test_at_step_0_the_logits_are_those_of_the_probe(kind, postprocess, cli, short_run, outputs, scored, tagged):
    data = {"multilabel": tagged, "regression": scored}
    typed = [*short_run, *KINDS[kind], f"postprocess={postprocess}"]
    typed += [f"data.train={data[kind]}"] if kind in data else []
    probe = ["encoder.frozen=true", "trainer=probe", "trainer.bootstrap=false", "study=probe"]
    kept = [one for one in typed if not one.startswith(("trainer.max", "trainer.val", "trainer.log", "optimizer"))]
    assert cli("train", *kept, *probe).status == 0
    still = ["init=probe", "optimizer.lr=0", "optimizer.head_lr=0", "optimizer.weight_decay=0", "trainer.max_epochs=1"]
    done = cli("train", *typed, *still, "study=still")
    assert done.status == 0, done.err
    for split in ("validation", "test"):
        tables = [pq.read_table(the_run(outputs, s) / f"predictions-{split}.parquet") for s in ("probe", "still")]
        column = "predicted" if kind == "regression" else "probabilities"
        found = [np.array(table[column].to_pylist()) for table in tables]
        assert found[0].std() > 0.01, "premise: they differ between texts"
        np.testing.assert_allclose(*found, atol=2e-5)
    assert "init=probe: penalty" in (the_run(outputs, "still") / "run.log").read_text()


def test_a_head_that_is_solved_has_the_rate_of_the_encoder(compose, tiny_run):
    given = compose(*tiny_run, "optimizer.lr=3e-5", "init=probe").optimizer
    assert given["head_lr"] == given["lr"] == 3e-5
    assert compose(*tiny_run, "optimizer.lr=3e-5").optimizer["head_lr"] == 5e-4


def test_the_solved_head_changes_no_other_number_that_is_drawn(cli, short_run, outputs, monkeypatch):
    """The order of texts, dropout and what is drawn for the encoder are those of the same run without it."""
    drawn: dict[str, list] = {}
    original = LightningClassifier.training_step

    def noted(self, batch, batch_idx):
        states = (random.random(), np.random.rand(), batch.row_ids.tolist())
        drawn.setdefault(study, []).append(states)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(LightningClassifier, "training_step", noted)
    for study in ("random", "probe"):
        done = cli("train", *short_run, f"init={study}", "trainer.max_epochs=1", f"study={study}", "seed=3")
        assert done.status == 0, done.err
    assert drawn["probe"] == drawn["random"]


RECIPES = {
    "lp_ft and layer decay": (["init=probe", "optimizer.layer_decay=0.7"], [2, 9]),
    "gradual unfreezing": (["encoder.unfreeze_every=0.5", "callbacks.average=ema"], [5, 8]),
    "the top layer, drawn anew, R-Drop": (["encoder.train=top:1", "encoder.reinitialise_top=1", "r_drop=0.5"], [7]),
    "norms and biases, accumulated": (["encoder.train=norms_and_biases", "trainer.accumulate_grad_batches=2"], [7]),
}


@pytest.mark.parametrize("kind", RECIPES)
def test_killed_and_typed_again_gives_the_same_bits(kind, cli, short_run, outputs, killed_at, bits):
    overrides, moments = RECIPES[kind]
    typed = ["train", *short_run, "checkpoint.every_steps=1", *overrides]
    done = cli(*typed, "study=alone")
    assert done.status == 0, done.err
    for moment in moments:
        with killed_at(moment) as kill, pytest.raises(kill.error):
            cli(*typed, "study=killed")
    done = cli(*typed, "study=killed")
    assert done.status == 0, done.err
    killed, alone = the_run(outputs, "killed"), the_run(outputs, "alone")
    assert bits(killed) == bits(alone)
    assert json.loads((killed / "result.json").read_text())["resumed_at"], "premise: it did not simply start again"


def test_a_process_with_a_solved_head_and_falling_rates_that_is_killed(cli, short_run, outputs, bits):
    typed = ["train", *short_run, "checkpoint.every_steps=1", "trainer.max_epochs=12", "callbacks=none"]
    typed += ["init=probe", "optimizer.layer_decay=0.8"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "poolsweep", *typed], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(outputs.glob("default/*/checkpoints/step-0000001*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert cli(*typed).status == 0
    assert cli(*typed, "study=alone").status == 0
    folder = the_run(outputs, "default")
    assert bits(folder) == bits(the_run(outputs, "alone"))
    assert json.loads((folder / "result.json").read_text())["resumed_at"] >= 10


def test_layers_are_unfrozen_from_the_top_as_steps_go_by(cli, short_run, outputs, monkeypatch):
    seen = []
    original = LightningClassifier.training_step

    def noted(self, batch, batch_idx):
        assert isinstance(self.encoder, Encoder)
        trained = {n.split(".layer.")[-1][0] if ".layer." in n else "e" for n, p in self.encoder.named_parameters()
                   if p.requires_grad}  # fmt: skip
        dropping = {n.split(".layer.")[-1][0] if ".layer." in n else "e" for n, m in self.encoder.model.named_modules()
                    if n and "dropout" in n and m.training}  # fmt: skip
        assert dropping == trained
        seen.append("".join(sorted(trained)))
        return original(self, batch, batch_idx)

    monkeypatch.setattr(LightningClassifier, "training_step", noted)
    done = cli("train", *short_run, "encoder.unfreeze_every=0.5", "callbacks=none")
    assert done.status == 0, done.err
    assert seen == [""] * 4 + ["1"] * 3 + ["01"] * 4 + ["01e"] * 3
    [result] = outputs.glob("default/*/result.json")
    every = load_file(result.parent / "checkpoints" / "best.safetensors")
    assert json.loads(result.read_text())["parameters"]["trained"] <= sum(tensor.numel() for tensor in every.values())


def test_r_drop_0_is_one_pass_and_another_number_two(cli, short_run, monkeypatch):
    passes = []
    original = Encoder.forward

    def noted(self, *given, **options):
        passes.append(self.training)
        return original(self, *given, **options)

    monkeypatch.setattr(Encoder, "forward", noted)
    counted = []
    for weight in (0.0, 0.5):
        passes.clear()
        assert cli("train", *short_run, f"r_drop={weight}", "trainer.max_epochs=1").status == 0
        counted.append(sum(passes))
    assert counted == [7, 14]


SETTINGS = {
    "bert": {"optimizer.lr": 2e-5, "optimizer.head_lr": 2e-5, "trainer.max_epochs": 3, "data.batch_size": 32},
    "mosbach": {"trainer.max_epochs": 20, "scheduler.warmup_ratio": 0.1, "optimizer.pooling_lr": 2e-5},
    "sun": {"optimizer.layer_decay": 0.95, "data.batch_size": 24, "trainer.max_epochs": 4},
    "lp_ft": {"init": "probe", "optimizer.lr": 2e-5, "optimizer.head_lr": 2e-5},
    "none": {"init": "random", "optimizer.lr": 5e-5},
}


def value_at(content, path: str):
    for key in path.split("."):
        content = content[key]
    return content


@pytest.mark.parametrize("recipe", SETTINGS)
def test_a_recipe_sets_keys_and_what_is_typed_wins(recipe, compose, animals):
    typed = ["data=files", f"data.train={animals}", "encoder=tiny"]
    config = compose(*typed, f"recipe={recipe}").content
    assert {key: value_at(config, key) for key in SETTINGS[recipe]} == SETTINGS[recipe]
    config = compose(*typed, f"recipe={recipe}", "optimizer.lr=7e-5", "trainer.max_epochs=9").content
    assert (value_at(config, "optimizer.lr"), value_at(config, "trainer.max_epochs")) == (7e-5, 9)


def test_swept_recipes_are_settings_of_one_contender(cli, tiny_run, outputs):
    typed = [one for one in tiny_run if not one.startswith(("trainer.max_epochs", "data.batch_size"))]
    done = cli("train", "-m", *typed, "recipe=none,bert,lp_ft", "pooling=masked_mean", "+trainer.limit_train_batches=1")
    assert done.status == 0, done.err
    results = [json.loads(path.read_text()) for path in outputs.glob("default/*/result.json")]
    assert len({result["setting"] for result in results}) == 3
    best = max(results, key=lambda result: result["metrics"]["val/accuracy"])
    done = cli("report", "default")
    assert done.status == 0, done.err
    assert "Other swept settings were chosen per contender by the mean of the monitored validation metric" in done.out
    [line] = [line for line in done.out.splitlines() if line.strip().startswith("masked_mean")]
    assert f"{100 * best['metrics']['test/accuracy']:.2f}" in line

"""Every mistake of a user is one line and status 2, with nothing written and no class of a stranger called."""

from __future__ import annotations

import json

import pytest
import torch
from checkout import README

# Every mistake of one kind: what is typed after a run that works, and the whole of what is answered.
MISTAKES = {
    "option": (["pooling=clss"], ["pooling=clss is no option of pooling; did you mean cls?"]),
    "nested option": (
        ["pooling/layers=lst4_concat"],
        ["pooling/layers=lst4_concat is no option of pooling/layers; did you mean last4_concat"],
    ),
    "a list of what no option can be": (
        ["loss=[1,2]"],
        ["loss=[…] holds something else than names of options; valid: "],
    ),
    "a mapping in a list": (
        ["pooling/layers=[{_target_: os.system}]"],
        ["pooling/layers=[…] holds something else than "],
    ),
    "flag": (["-x"], ["there is no option -x; "]),
    "flag that needs another": (["--resolve"], ["The --resolve flag can only be used in conjunction with --cfg"]),
    "interpolation of nothing": (["encoder.attention=${.x}"], ["Interpolation key 'x' not found"]),
    "pattern that nothing matches": (
        ["-m", "pooling=glob(q*)"],
        ["pooling=glob(q*) stands for no value at all, so there is nothing to run"],
    ),
    "group": (["poling=cls"], ["there is no key poling; did you mean pooling"]),
    "key of another option": (
        ["trainer=probe"],  # tiny_run sets trainer.max_epochs
        [
            "trainer=probe has no key max_epochs, choose trainer=default for it; "
            "its keys: accelerator, bootstrap, devices, penalties, precision"
        ],
    ),
    "key of several options": (
        ["pooling/tokens=mean", "pooling.tokens.num_heads=3"],
        ["pooling/tokens=mean has no key num_heads, choose pooling/tokens=cls_attention or "],
    ),
    "key of a preset's half": (["pooling=cls", "pooling.layers.indx=3"], ["; did you mean pooling.layers.index"]),
    "key of an experiment's option": (["experiment=demo"], ["trainer=probe has no key max_epochs, choose "]),
    "nested root key": (
        ["checkpoint.every_step=1"],
        ["did you mean checkpoint.every_steps"],
    ),
    "unquoted column": (
        ["data.label=stars (1-5)"],
        ["; quote what has special characters: data.label='\"stars (1-5)\"'"],
    ),
    "key": (["optimizer.lrr=1"], ["there is no key optimizer.lrr; did you mean optimizer.lr"]),
    "deep key": (["data.trian=x"], ["there is no key data.trian; did you mean data.train"]),
    "option in a list": (["logger=[wandb,tensorbord]"], ["logger=tensorbord is no option of logger; did you mean "]),
    "key within an option": (
        ["logger=wandb", "logger.wandb.projct=x"],
        ["there is no key logger.wandb.projct; did you mean logger.wandb.project"],
    ),
    "key within another option": (
        ["logger=tensorboard", "logger.wandb.project=x"],
        ["logger.wandb.project is a key of logger=wandb, which must be given too"],
    ),
    "added key": (
        ["+optimizer.lrr=1"],
        ["optimizer.lrr is not an option of poolsweep.optimizer.adamw; did you mean lr?"],
    ),
    "integer": (["trainer.max_epochs=many"], ["trainer.max_epochs must be "]),
    "root integer": (["init_seed=x"], ["init_seed must be int, got 'x'"]),
    "number": (["optimizer.lr=fast"], ["optimizer.lr must be float, got 'fast'"]),
    "boolean": (["encoder.frozen=maybe"], ["encoder.frozen must be bool, got 'maybe'"]),
    "choice": (["retry=most"], ["retry must be 'failed' or 'never' or 'all', got 'most'"]),
    "batch size": (["data.batch_size=0"], ["data.batch_size must be at least 1, got 0"]),
    "launcher that there is not": (
        ["hydra.launcher=nowhere"],
        ["hydra/launcher=nowhere is no option of hydra/launcher; valid: local, ray, slurm"],
    ),
    "race without its sweep": (["+race.min_seeds=3"], ["race is read by sweep=race alone, which must be given too"]),
    "race of nothing": (["sweep=race", "race.level=${nope}"], ["Interpolation key 'nope' not found"]),
    "monitor": (["monitor=val/acuracy"], ["monitor=val/acuracy is not measured; did you mean val/accuracy"]),
    "direction of the metric": (["mode=min"], ["there is no key mode; "]),
    "study": (["study=a/b"], ["study='a/b' must be the name of one folder"]),
    "missing file": (["data.test=nowhere/test.csv"], ["data.test=nowhere/test.csv does not exist"]),
    "ending": ([f"data.test={README}"], [f"data.test={README} "]),
    "column": (["data.text=txt"], ["{train} has no column 'txt'; did you mean text?"]),
    "max_length": (["data.max_length=129"], ["data.max_length must be at most the encoder's 128 tokens, got 129"]),
    "precision": (
        ["trainer.precision=16-true"],
        ["trainer.precision=16-true needs a GPU, and this run is on the CPU; use bf16-true"],
    ),
    "precision's name": (["trainer.precision=17"], ["trainer.precision=17 is none of 32-true"]),
    "offline hub": (
        ["encoder=hub", "encoder.model=nobody/nothing"],
        ["encoder.model=nobody/nothing is no folder here; there is no folder nobody, "],
    ),
    "offline data": (["data=hub", "data.name=nobody/nothing"], ["data.name=nobody/nothing cannot be loaded: "]),
    "nothing given": (["encoder=hub"], ["encoder.model must be given: encoder.model=…"]),
    "sizes": (["encoder.num_heads=5"], ["encoder: The hidden size (32) is not a multiple"]),
    "too few layers": (["encoder.num_layers=2", "pooling=last4_concat"], ["pooling.layers"]),
    "number as an option": (["pooling=1"], ["Config group override must be a string or a list"]),
    "syntax": (["seed=[1"], ["seed=[1 cannot be parsed: no viable alternative"]),
    "several": (
        ["data.text=txt", "data.max_length=999", "optimizer.eps=no", "seed=x", "init_seed=0", "data_seed=0"],
        [
            "seed must be int, got 'x'",
            "optimizer.eps must be float, got 'no'",
            "{train} has no column 'txt'; did you mean text?",
            "data.max_length must be at most the encoder's 128 tokens, got 999",
        ],
    ),
}


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(cli, tiny_run, animals, mistake):
    typed, answers = MISTAKES[mistake]
    kept = [o for o in tiny_run if not (typed[0] == "data=hub" and o.startswith("data.train"))]
    done = cli("train", *kept, *typed)
    assert done.status == 2
    assert done.out == ""
    assert len(done.problems) == len(answers), done.err
    for found, expected in zip(done.problems, answers, strict=True):
        assert expected.replace("{train}", f"data.train={animals}") in found
        assert len(found) < 400


# Files that cannot be trained on: content, and the whole of what is answered.
FILES = {
    "nothing": ("", ["data.train={train} is empty"]),
    "header": ("text,label\n", ["data.train={train} has no rows"]),
    "empty and null texts": (
        "text,label\n" + "good,a\nbad,b\n" * 20 + ",a\n  ,b\n",
        ["{train}: empty text in rows 41 and 42"],
    ),
    "null": (
        "jsonl"
        + ('{"text": "x", "label": "a"}\n{"text": "y", "label": "b"}\n' * 20)
        + '{"text": null, "label": "a"}\n',
        ["{train}: empty text in row 41"],
    ),
    "one class": ("text,label\n" + "x,a\n" * 30, ["training needs at least two labels, found one: a"]),
    "scores": (
        "text,label\n" + "".join(f"x,{i / 10}\n" for i in range(50)) * 3,
        ["the label column holds 50 different numbers (0.0 to 4.9), which are scores rather than classes: task="],
    ),
}


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_trained_on_is_named(cli, tmp_path, kind):
    content, answers = FILES[kind]
    path = tmp_path / f"train.{'jsonl' if content.startswith('jsonl') else 'csv'}"
    path.write_text(content.removeprefix("jsonl"))
    options = [] if kind in {"nothing", "header"} else [f"data.validation={path}", f"data.test={path}"]
    done = cli("train", "encoder=tiny", "data=files", f"data.train={path}", *options)
    found = [problem for problem in done.problems if problem.startswith((str(path), "data.train="))]
    assert (done.status, done.out) == (2, "")
    assert any(answers[0].replace("{train}", str(path)) in problem for problem in found), done.err


@pytest.mark.usefixtures("no_new_files")
def test_a_label_seen_only_in_validation_or_test_is_named_with_file_and_row(cli, tmp_path, write_csv):
    rows = [("good", "a"), ("bad", "b")] * 10
    train = write_csv(tmp_path / "train.csv", rows)
    validation = write_csv(tmp_path / "validation.csv", [*rows, ("odd", "c")])
    test = write_csv(tmp_path / "test.csv", [("odd", "B"), *rows])
    splits = [f"data.{split}={path}" for split, path in (("train", train), ("validation", validation), ("test", test))]
    done = cli("train", "encoder=tiny", "data=files", *splits)
    assert done.status == 2
    assert done.problems == [
        f"{validation}: label 'c' in row 21 is not in {train}; valid: a, b",
        f"{test}: label 'B' in row 1 is not in {train}; did you mean b?",
    ]


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there(cli, tiny_run):
    done = cli("train", *tiny_run, "trainer.accelerator=gpu")
    assert done.problems == [
        "trainer.accelerator=gpu: this machine has no GPU that torch can use; trainer.accelerator=cpu runs"
    ]


@pytest.mark.usefixtures("no_new_files")
def test_a_sweep_names_the_problems_of_all_its_points_before_any_runs(cli, tiny_run):
    done = cli("train", "-m", *tiny_run, "data.max_length=8,999", "seed=0,1", "optimizer.lr=1e-5,fast")
    assert done.status == 2
    assert done.problems == [
        "optimizer.lr must be float, got 'fast'",
        "data.max_length must be at most the encoder's 128 tokens, got 999",
    ]


def test_a_mistake_leaves_a_finished_run_as_it_was(cli, tiny_run, outputs):
    assert cli("train", *tiny_run).status == 0
    before = {path: path.stat().st_mtime_ns for path in outputs.rglob("*")}
    assert cli("train", *tiny_run, "seed=x").status == 2
    assert {path: path.stat().st_mtime_ns for path in outputs.rglob("*")} == before


def test_a_run_that_diverges_says_so_without_a_traceback(cli, tiny_run, outputs):
    done = cli("train", *tiny_run, "optimizer.head_lr=1e38", "trainer.gradient_clip_val=null")
    assert done.status == 1
    [problem] = done.problems[-1:]
    assert "lower optimizer.lr or optimizer.head_lr" in problem
    assert "Traceback" not in done.err
    [result] = outputs.glob("default/*/result.json")
    content = json.loads(result.read_text())
    assert content["status"] == "failed"
    assert content["reason"].startswith("TrainingDivergedError: ")


HOSTILE = {
    "os.system": ["+callbacks.x._target_=os.system", "+callbacks.x.command=touch {made}"],
    "os.mkdir as data": ["data=icd10", "~data.split_seed", "data._target_=os.mkdir", "+data.path={made}"],
    "through a module of ours": ["encoder._target_=poolsweep.encoder.loading.os.mkdir", "+encoder.path={made}"],
    "nested in a list": ["data.labels=[{_target_: os.mkdir, path: {made}}]"],
    "nested in a value": ["data.name={_target_: os.mkdir, path: {made}}"],
    "our function, not a callback": [
        "+callbacks.x={_target_: poolsweep.files.writing.write_json, path: {made}, content: 1}"
    ],
    "no prefix": ["head._target_=poolsweep_evil.head.Linear"],
}  # fmt: skip


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_target_is_refused_and_not_called(cli, tiny_run, tmp_path, kind):
    made = tmp_path / "made"
    typed = [override.replace("{made}", str(made)) for override in HOSTILE[kind]]
    kept = [o for o in tiny_run if not (typed[0] == "data=icd10" and o.startswith("data.train"))]
    done = cli("train", *kept, *typed)
    assert done.status == 2
    assert any("_target_=" in problem and " is refused: " in problem for problem in done.problems), done.err
    assert not made.exists()


def test_a_package_of_the_users_own_can_be_trusted(cli, tiny_run, outputs, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import pytorch_lightning as pl\n"
        "class Marks(pl.Callback):\n"
        "    def on_train_end(self, trainer, pl_module):\n"
        f"        open({str(tmp_path / 'marked')!r}, 'w').close()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    refused = cli("train", *tiny_run, "+callbacks.mine._target_=mine.Marks")
    assert refused.status == 2
    assert "trusted=[mine]" in refused.err
    assert cli("train", *tiny_run, "+callbacks.mine._target_=mine.Marks", "trusted=[mine]").status == 0
    assert (tmp_path / "marked").exists()

"""Every kind of name that is nearly right is answered with the right one, in the one line of the refusal."""

from __future__ import annotations

import pytest
from studies import write_study

from poolsweep.errors import closest, did_you_mean, nearest

# What is typed, and what is meant by it; TRAIN stands for a file of rows, STUDY for a study, RUN for one of its runs.
TRAIN = {
    "group": (["poolng=cls"], "pooling"),
    "nested group": (["pooling/tokns=mean"], "pooling/tokens"),
    "group with a dash": (["hydra/luncher=local"], "hydra/launcher"),
    "option": (["encoder=tyny"], "tiny"),
    "option of a nested group": (["encoder/adapter=lra"], "lora"),
    "option of the launcher": (["-m", "hydra/launcher=locl", "seed=0,1"], "local"),
    "option of a sweep": (["-m", "sweep=rce", "seed=0,1"], "race"),
    "experiment": (["experiment=dem"], "demo"),
    "root key": (["sed=0"], "seed"),
    "key": (["encoder.frzen=true"], "encoder.frozen"),
    "group of a key": (["optmizer.lr=1"], "optimizer.lr"),
    "key of the root's own": (["checkpont.every_steps=3"], "checkpoint.every_steps"),
    "key of another option": (["data=icd10", "data.tarin=x"], "data.train, a key of data=files"),
    "key within an option": (["callbacks.early_stoping.patience=3"], "callbacks.early_stopping.patience"),
    "key of the launcher": (["-m", "hydra/launcher=slurm", "hydra.launcher.partion=gpu"], "hydra.launcher.partition"),
    "key of a race": (["-m", "sweep=race", "race.min_seds=3"], "race.min_seeds"),
    "key of a search": (["-m", "sweep=optuna", "optuna.trals=3"], "optuna.trials"),
    "key of the sweep": (["-m", "sweep.alo=[]"], "sweep.also"),
    "one of a few words": (["retry=faild"], "failed"),
    "one of a few words in a group": (["data.overlap=wran"], "warn"),
    "a word beside numbers": (["calibrate=temprature"], "temperature"),
    "accelerator": (["trainer.accelerator=cdua"], "cuda"),
    "precision": (["trainer.precision=bf16-mxed"], "bf16-mixed"),
    "attention": (["encoder.attention=egaer"], "eager"),
    "metric": (["metrics=[acuracy]"], "accuracy"),
    "shortened metric": (["monitor=val/acc"], "val/accuracy"),
    "class": (["pooling.tokens._target_=poolsweep.pooling.tokens.max.Mxa"], "poolsweep.pooling.tokens.max.Max"),
    "module": (["pooling.tokens._target_=poolsweep.pooling.tokens.maxx.Max"], "poolsweep.pooling.tokens.max.Max"),
    "column": (["data.text=txt"], "text"),
    "column of groups": (["data.group=lable"], "label"),
    "flag": (["--mutlirun", "seed=0,1"], "--multirun"),
    "value of a flag": (["--cfg", "jb"], "job"),
}
OTHERS = {
    "verb": (["trian"], "train"),
    "verb to be helped with": (["help", "reprot"], "report"),
    "shell": (["--completion", "bsh"], "bash"),
    "option": (["report", "STUDY", "--metrc", "f1_macro"], "--metric"),
    "option that is required": (["predict", "STUDY", "--inptu", "TRAIN"], "--input"),
    "choice": (["predict", "STUDY", "--input", "TRAIN", "--on-error", "skpi"], "skip"),
    "study": (["report", "animls"], "animals"),
    "study to predict with": (["predict", "animls:cls", "--input", "TRAIN"], "animals"),
    "pooling of a study": (["predict", "STUDY:clss", "--input", "TRAIN"], "cls"),
    "run": (["predict", "RUNx", "--input", "TRAIN"], "RUN"),
    "metric": (["report", "STUDY", "--metric", "acuracy"], "accuracy"),
    "baseline": (["report", "STUDY", "--baseline", "clss"], "cls"),
    "state": (["clean", "STUDY", "--runs", "failled"], "failed"),
    "pooling": (["encode", "--encoder", "tiny", "--pooling", "clss", "--input", "TRAIN", "--output", "v.npy"], "cls"),
    "encoder": (["encode", "--encoder", "tyny", "--pooling", "cls", "--input", "TRAIN", "--output", "v.npy"], "tiny"),
    "key of a sweep for W&B": (["wandb-sweep", "poling=cls", "seed=0,1"], "pooling"),
    "method": (["wandb-sweep", "--method", "bays", "seed=0,1"], "bayes"),
    "class": (["check", "poolsweep.pooling.tokens.max.Maxx"], "poolsweep.pooling.tokens.max.Max"),
    "option of a class": (
        ["check", "poolsweep.pooling.tokens.multihead_attention.MultiheadAttention", "num_head=4"],
        "num_heads",
    ),
}


def meant(done) -> str:
    """The name that a refusal asks for, the nearest of several."""
    assert done.status == 2, done.err
    [problem] = [line for line in done.problems if "did you mean" in line]
    return problem.partition("did you mean ")[2].split("?")[0].split(" or ")[0]


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("kind", TRAIN)
def test_of_train(cli, tiny_run, kind):
    typed, expected = TRAIN[kind]
    assert meant(cli("train", *([] if "data=icd10" in typed else tiny_run), *typed)) == expected


@pytest.fixture
def put(outputs, animals):
    """Puts a study in place of its name, and a file in place of TRAIN."""
    study = write_study(outputs / "animals", poolings=("cls", "max"), seeds=(0,))
    run = next(path for path in sorted(study.iterdir()) if path.is_dir())
    names = {"STUDY": "animals", "TRAIN": str(animals), "RUNx": f"{run}x", "RUN": run.name}

    def replaced(word: str) -> str:
        for name, value in names.items():
            word = word.replace(name, value)
        return word

    return replaced


@pytest.mark.parametrize("kind", OTHERS)
def test_of_other_verbs(cli, put, monkeypatch, kind):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    typed, expected = OTHERS[kind]
    assert meant(cli(*map(put, typed))) == put(expected)


def test_of_what_lies_in_a_folder_of_ones_own(cli, tmp_path, tiny_run):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "longer.yaml").write_text("# @package _global_\nseed: 3\n")
    (tmp_path / "points.yaml").write_text("- seed=0\n")
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train.csv").write_text("text,label\n")
    own = ["--config-dir", str(tmp_path / "conf")]
    assert meant(cli("train", *own, "experiment=longre")) == "longer"
    assert meant(cli("train", "--config-dir", str(tmp_path / "cnf"))) == "conf"
    assert meant(cli("train", "-m", *tiny_run, f"sweep.file={tmp_path / 'pionts.yaml'}")) == "points.yaml"
    files = ["data=files", "encoder=tiny"]
    assert meant(cli("train", *files, f"data.train={tmp_path / 'rows' / 'tarin.csv'}")) == "train.csv"
    there = tmp_path / "rows" / "train.csv"
    assert meant(cli("train", *files, f"data.train={tmp_path / 'rosw' / 'train.csv'}")) == str(there)
    nowhere = cli("train", *files, "data.train=/no/such/train.csv")
    assert nowhere.problems == ["data.train=/no/such/train.csv does not exist; there is no folder /no/such"]


def test_what_is_near():
    assert closest("acuracy", ["accuracy", "top5_accuracy"]) == [(pytest.approx(0.933, abs=1e-3), "accuracy")]
    assert nearest("Text", ["text", "label"]) == "did you mean text?", "in other letters of the same kind"
    assert nearest("data.lable", ["data.label", "data.labels"]) == "did you mean data.label or data.labels?"
    assert nearest("x", []) == "none is valid here"
    assert did_you_mean("x", ["a", "b"]) == ""

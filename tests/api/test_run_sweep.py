"""A sweep from Python is the command's sweep, and leaves the process as it was."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from reviews import CHOICES

import poolsweep
from poolsweep.conf_dir import conf_dir


def test_it_makes_every_run_once_and_says_nothing_else(reviews, tmp_path, capfd):
    found = poolsweep.run_sweep(reviews, **CHOICES, output_root=tmp_path)
    assert found.runs["state"].tolist() == ["finished"] * 4
    assert sorted(found.contenders) == ["cls", "masked_mean"]
    assert found.leaderboard()["replicates"].tolist() == [2, 2]
    assert found.leaderboard()["data"].unique().tolist() == ["reviews"]
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json")}
    shuffled = reviews[["stars", "review"]].assign(other=1)
    again = poolsweep.run_sweep(shuffled, **CHOICES, output_root=tmp_path)
    assert len(again.records) == 4
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json")} == times
    assert capfd.readouterr() == ("", "")


def test_it_is_the_run_that_the_command_makes(reviews, study, cli, tmp_path):
    file = tmp_path / "same.jsonl"
    rows = zip(reviews["review"], reviews["stars"], strict=True)
    file.write_text("".join(json.dumps({"review": text, "stars": str(label)}) + "\n" for text, label in rows))
    typed = ["data=files", f"data.train={file}", "data.text=review", "data.label=stars", "encoder=tiny"]
    typed += ["encoder.frozen=true", "trainer=probe", "pooling=cls,masked_mean", "seed=0,1", "study=s"]
    assert cli("train", "-m", *typed, f"output_root={tmp_path}").status == 0
    folders = [path.parent for path in (tmp_path / "s").glob("*/result.json")]
    assert sorted(path.name for path in folders) == sorted(study.runs.index)
    for folder in folders:
        ours = json.loads((study.path / folder.name / "result.json").read_text())
        assert ours["metrics"] == json.loads((folder / "result.json").read_text())["metrics"]


def test_groups_and_folds(reviews, tmp_path):
    grouped = reviews.assign(author=[f"author {i % 17}" for i in range(len(reviews))])
    choices = CHOICES | {"seeds": 1, "pooling": "cls", "group": "author", "overrides": ["data.folds=3"]}
    study = poolsweep.run_sweep(grouped, **choices, output_root=tmp_path)
    tested = []
    for record in study.records:
        tested.append(set(pq.read_table(record.path / "predictions-test.parquet")["row_id"].to_pylist()))
    assert sorted(row for rows in tested for row in rows) == list(range(len(reviews)))
    of_authors = [{row % 17 for row in rows} for rows in tested]
    assert sum(map(len, of_authors)) == 17, "no author is tested in two folds"


def test_a_path_and_other_overrides_do_as_well(animals, tmp_path, capfd):
    study = poolsweep.run_sweep(
        animals, encoder="tiny", seeds=[3], output_root=tmp_path,
        overrides=["trainer.max_epochs=1", "pooling/tokens=mean,max", "study=named"],
    )  # fmt: skip
    assert study.path == tmp_path / "named"
    assert study.runs["data"].unique().tolist() == ["animals"]
    assert study.runs["seed"].tolist() == [3, 3]
    assert "[2/2] finished" in capfd.readouterr().err


def test_labels_keep_the_order_that_is_given(reviews, tmp_path):
    choices = CHOICES | {"pooling": "cls", "seeds": 1}
    study = poolsweep.run_sweep(reviews, **choices, labels=[3, 1, 2], output_root=tmp_path)
    [labels] = study.path.glob("*/labels.json")
    assert json.loads(labels.read_text()) == {"3": 0, "1": 1, "2": 2}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"pooling": ["cls", "maxx"]}, "pooling=maxx is no option of pooling; did you mean max"),
        ({"overrides": ["optimizer.learning=1"]}, "there is no key optimizer.learning; "),
        ({"overrides": "seed=1"}, "overrides must be a list"),
        ({"label": "star"}, "train has no column 'star'; did you mean stars?"),
        ({"seeds": 0}, "seeds must be a whole number above 0"),
        ({"seeds": 2.5}, "seeds must be a whole number above 0"),
        ({"seeds": [None]}, r"seeds must be .* got \[None\]"),
        ({"encoder": "tinny"}, "encoder=tinny is no option of encoder; did you mean tiny"),
        ({"pooling": "bert_attention"}, "trainer=probe needs a pooling without parameters of its own"),
        ({"name": "${seed}"}, r"data.name holds '\${seed}'"),
        ({"study": "a/b"}, "study"),
    ],
)
def test_mistakes_are_one_line_and_nothing_has_run(changed, problem, reviews, tmp_path):
    with pytest.raises(poolsweep.UserError, match=problem) as refused:
        poolsweep.run_sweep(reviews, **CHOICES | changed, output_root=tmp_path)
    assert len(refused.value.problems) == 1
    assert not list(tmp_path.glob("*/*/result.json"))


def test_a_missing_label_is_refused_as_in_a_file(reviews, tmp_path):
    frame = reviews.assign(stars=[None, *reviews["stars"][1:]])
    with pytest.raises(poolsweep.UserError, match=r"reviews-train-.*jsonl: empty label in row 1"):
        poolsweep.run_sweep(frame, **CHOICES, output_root=tmp_path)


def test_odd_names_of_columns_and_texts_pass_through(reviews, tmp_path):
    odd = 'Ihr "Urteil", {1,5} \\'
    frame = reviews.rename(columns={"review": "a=b", "stars": odd})
    choices = CHOICES | {"text": "a=b", "label": odd, "pooling": "cls", "seeds": 1, "name": "Größe [x]"}
    study = poolsweep.run_sweep(frame, **choices, output_root=tmp_path)
    assert study.leaderboard()["data"].tolist() == ["Größe [x]"]


def test_pairs_of_texts(reviews, tmp_path):
    frame = reviews.assign(answer=reviews["review"].str.upper())
    choices = CHOICES | {"pooling": "cls", "seeds": np.int64(1)}
    study = poolsweep.run_sweep(frame, **choices, text_pair="answer", output_root=tmp_path)
    [run] = study.runs.index
    model = poolsweep.load(study.path / run)
    assert model.predict_proba(frame["review"][:2], frame["answer"][:2]).shape == (2, 3)
    with pytest.raises(poolsweep.UserError, match="pairs of texts"):
        model.predict(["one"])


def test_failed_runs_raise_and_the_others_stand(reviews, tmp_path, monkeypatch):
    from poolsweep.probe.run import ProbeRun

    fit = ProbeRun.fit

    def failing(run, folder, status):
        if run.data_seed == 1:
            raise RuntimeError("no luck")
        return fit(run, folder, status)

    monkeypatch.setattr(ProbeRun, "fit", failing)
    with pytest.raises(poolsweep.SweepFailedError, match=r"^2 of 4 runs did not finish; type the command again"):
        poolsweep.run_sweep(reviews, **CHOICES, output_root=tmp_path)
    states = poolsweep.load_study(tmp_path / "reviews").runs["state"]
    assert sorted(states) == ["failed", "failed", "finished", "finished"]


def state_of_the_process():
    return (
        list(sys.argv), dict(os.environ), Path.cwd(), list(warnings.filters), signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM), torch.get_float32_matmul_precision(), torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(), logging.getLogger("poolsweep").level,
        logging.getLogger("pytorch_lightning").level,
    )  # fmt: skip


def test_the_process_is_as_it_was(reviews, tmp_path):
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        mine, instance = GlobalHydra.instance().hydra, GlobalHydra.instance()
        before = state_of_the_process()
        poolsweep.run_sweep(
            reviews, **CHOICES | {"seeds": 1, "pooling": "cls"}, output_root=tmp_path,
            overrides=["trainer=default", "trainer.max_epochs=1", "matmul_precision=high"],
        )  # fmt: skip
        assert state_of_the_process() == before
        assert (GlobalHydra.instance().hydra, GlobalHydra.instance()) == (mine, instance)
        assert compose("train", overrides=["seed=7"]).seed == 7, "the caller's Hydra goes on"
    drawn = random.random(), np.random.random(), torch.rand(1).item()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    assert drawn == (random.random(), np.random.random(), torch.rand(1).item())


def test_threads_take_turns(reviews, tmp_path):
    found, choices = [], CHOICES | {"seeds": 1, "pooling": "cls"}

    def sweep(study):
        found.append(poolsweep.run_sweep(reviews, **choices | {"study": study}, output_root=tmp_path))

    threads = [threading.Thread(target=sweep, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(study.path.name for study in found) == ["a", "b"]


def test_importing_poolsweep_loads_nothing_heavy():
    heavy = ("torch", "pandas", "hydra", "numpy", "rich", "pyarrow", "transformers", "sklearn")
    code = f"import sys, poolsweep; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

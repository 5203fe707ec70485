"""The refit of a contender: the chosen setting on all training rows, as a run of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from studies import write_run

from poolsweep.errors import UserError
from poolsweep.predict.choose import choose, choose_contender
from poolsweep.refit import refit_config
from poolsweep.runs.records import fingerprints, write_result
from poolsweep.training.load import load_run

TRAINED = [
    "data=files", "encoder=tiny", "encoder.num_layers=1", "trainer.accelerator=cpu", "trainer.max_epochs=4",
    "data.batch_size=8", "optimizer.lr=1e-2", "scheduler=constant", "scheduler.warmup_ratio=0", "pooling=masked_mean",
]  # fmt: skip
Rows = list[tuple[str, str]]


def result_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())


def refits(study: Path) -> list[Path]:
    return sorted(path.parent for path in study.glob("*/result.json") if "refit" in result_of(path.parent))


@pytest.fixture(scope="module")
def parts(animal_rows: Rows) -> dict[str, Rows]:
    """Rows of each split; a third of the training labels is wrong, so that penalties matter."""
    names = ("cat", "dog", "owl")
    wrong = [(text, names[i % 3] if i % 5 == 0 else label) for i, (text, label) in enumerate(animal_rows[:40])]
    return {"train": wrong, "validation": animal_rows[40:52], "test": animal_rows[52:]}


@pytest.fixture
def files(tmp_path: Path, write_csv, parts) -> list[str]:
    """Overrides that name the files of the splits."""
    for name, rows in parts.items():
        write_csv(tmp_path / "data" / f"{name}.csv", rows)
    return [f"data.{name}={tmp_path / 'data' / f'{name}.csv'}" for name in parts]


@pytest.fixture
def probes(cli, files: list[str], outputs: Path) -> Path:
    """A study of three replicates of a probe on max."""
    fixed = ["data=files", *files, "encoder=tiny", "encoder.frozen=true", "trainer=probe", "trainer.penalties=[1,0.1]"]
    done = cli("train", "-m", *fixed, "pooling=max", "seed=0,1,2", "study=s")
    assert done.status == 0, done.err
    return outputs / "s"


@pytest.fixture
def fine_tuned(cli, files: list[str], outputs: Path) -> Path:
    """A study of two replicates that are trained for four epochs of five steps."""
    done = cli("train", "-m", *TRAINED, *files, "seed=3,5", "study=s")
    assert done.status == 0, done.err
    return outputs / "s"


def scikit_learn(run: Path, rows: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]], penalty: float) -> Any:
    """The probabilities of scikit-learn's head on the run's own pooled vectors."""
    loaded = load_run(run)
    with torch.no_grad():
        vectors = [loaded.classifier.pool(loaded.batch([text])).numpy()[0] for text, _ in [*rows, *test]]
    scaled = StandardScaler().fit(vectors[: len(rows)])
    head = LogisticRegression(C=1 / (penalty * len(rows)), tol=1e-10, max_iter=10_000)
    head.fit(scaled.transform(vectors[: len(rows)]), [label for _, label in rows])
    assert tuple(head.classes_) == loaded.contract.names
    return head.predict_proba(scaled.transform(vectors[len(rows) :]))


def probabilities(run: Path, test: Sequence[tuple[str, str]]) -> np.ndarray:
    loaded = load_run(run)
    with torch.no_grad():
        return np.stack([torch.softmax(loaded.classifier(loaded.batch([text])), -1)[0].numpy() for text, _ in test])


def test_a_probe_is_what_scikit_learn_fits_on_all_training_rows(cli, probes, parts):
    assert cli("refit", "s").status == 0
    [run] = refits(probes)
    result = result_of(run)
    assert result["sizes"] == {"train": 40, "validation": 12, "test": 11}
    assert (result["distinct_rows"], result["seeds_are"]) == (40, None), "no bootstrap sample"
    expected = scikit_learn(run, parts["train"], parts["test"], result["penalty"])
    assert np.abs(probabilities(run, parts["test"]) - expected).max() < 2e-4


def test_with_validation_its_rows_are_training_rows(cli, probes, parts):
    penalties = [result_of(path)["penalty"] for path in choose("s").runs]
    done = cli("refit", "s:max", "--with-validation")
    assert done.status == 0, done.err
    [run] = refits(probes)
    result = result_of(run)
    assert result["sizes"] == {"train": 52, "test": 11}
    assert result["distinct_rows"] == 52
    assert result["penalty"] == max(set(penalties), key=lambda one: (penalties.count(one), one))
    assert not any(name.startswith("val/") for name in result["metrics"]), "nothing is measured on rows that it saw"
    assert not (run / "predictions-validation.parquet").exists()
    expected = scikit_learn(run, parts["train"] + parts["validation"], parts["test"], result["penalty"])
    assert np.abs(probabilities(run, parts["test"]) - expected).max() < 2e-4


@pytest.mark.parametrize("options", [(), ("--with-validation",)])
def test_typed_again_nothing_is_done(cli, probes, options):
    first = cli("refit", "s", *options)
    [run] = refits(probes)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    again = cli("refit", "s", *options)
    assert again.status == 0
    assert again.out == first.out
    assert f"run {run.name} finished before" in again.err
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_it_says_where_its_setting_comes_from_and_competes_with_nobody(cli, probes):
    cli("report", "s")
    before = (probes / "report" / "leaderboard.csv").read_text()
    replicates = [path.name for path in choose("s").runs]
    setting = result_of(probes / replicates[0])["setting"]
    cli("refit", "s")
    [run] = refits(probes)
    assert result_of(run)["refit"] == {"of": "s:max", "runs": replicates, "with_validation": False}
    assert result_of(run)["setting"] == setting
    report = cli("report", "s")
    assert (probes / "report" / "leaderboard.csv").read_text() == before
    line = f"Refit of s:max on all 40 training rows: {run}. It is no contender: its setting was chosen from 3 runs."
    assert line in report.out.splitlines()
    assert line in (probes / "report" / "report.html").read_text()
    status = cli("status", "s").out.splitlines()
    assert status == ["s: 3 runs, 3 finished", f"  finished  refit s:max  {run}"]
    assert [one["run_id"] for one in json.loads(cli("status", "s", "--json").out)["studies"][0]["refits"]] == [run.name]
    assert choose("s").single() == run


def test_training_without_its_validation_rows_is_the_recipe_of_the_first_replicate(cli, fine_tuned):
    first = choose("s").runs[0]
    assert result_of(first)["seed"] == 3
    assert cli("refit", "s").status == 0
    [run] = refits(fine_tuned)
    assert result_of(run)["metrics"] == result_of(first)["metrics"]
    weights, expected = (load_file(path / "checkpoints" / "best.safetensors") for path in (run, first))
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_training_on_all_rows_ends_where_the_replicates_were_best(cli, fine_tuned, files, parts, tmp_path, write_csv):
    told = [result_of(path) for path in choose("s").runs]
    assert [one["scheduled_steps"] for one in told] == [20, 20]
    share = float(np.median([one["best_step"] / 20 for one in told]))
    assert 0 < share < 1, "premise: it ends early"
    assert cli("refit", "s", "--with-validation").status == 0
    [run] = refits(fine_tuned)
    result = result_of(run)
    assert result["sizes"]["train"] == 52
    assert result["scheduled_steps"] == 4 * 7
    assert result["steps"] == result["best_step"] == round(share * 28)
    assert yaml.safe_load((run / "config.yaml").read_text())["callbacks"] == {}, "no early stopping"
    # The same steps on a file of all these rows, without a validation, so that the last weights are kept.
    whole = write_csv(tmp_path / "whole.csv", parts["train"] + parts["validation"])
    steps = [f"+trainer.max_steps={result['steps']}", "+trainer.check_val_every_n_epoch=100"]
    assert cli("train", *TRAINED, *files, f"data.train={whole}", *steps, "seed=3", "study=other").status == 0
    [other] = (fine_tuned.parent / "other").glob("*/checkpoints/best.safetensors")
    weights, expected = load_file(run / "checkpoints" / "best.safetensors"), load_file(other)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_a_killed_refit_goes_on_and_gives_the_same_bits(cli, fine_tuned, outputs, killed_at):
    config = next(fine_tuned.glob("*/config.yaml"))
    assert yaml.safe_load(config.read_text())["checkpoint"]["every_minutes"] == 5, "premise: nothing is saved by time"
    for path in fine_tuned.glob("*/config.yaml"):
        content = yaml.safe_load(path.read_text()) | {"checkpoint": {"every_steps": 1, "every_minutes": None}}
        rewrite(path, content)
    typed = ("refit", "s", "--with-validation")
    with killed_at(3) as kill, pytest.raises(kill.error):
        cli(*typed)
    assert cli("status", "s").out.splitlines()[-1].strip().startswith("interrupted  refit s:masked_mean")
    assert cli(*typed).status == 0
    [run] = refits(fine_tuned)
    assert result_of(run)["resumed_at"] == 3
    resumed = hashlib.sha256((run / "checkpoints" / "best.safetensors").read_bytes()).hexdigest()
    (run / "result.json").unlink()
    assert cli(*typed).status == 0
    assert result_of(run)["resumed_at"] is None
    assert hashlib.sha256((run / "checkpoints" / "best.safetensors").read_bytes()).hexdigest() == resumed


def rewrite(path: Path, config: dict[str, Any]) -> None:
    """Replace the config of a run as a stranger can, checksums included."""
    path.write_text(yaml.safe_dump(config))
    result = result_of(path.parent)
    result.pop("checksum", None)
    write_result(path.parent, result | {"files": fingerprints(path.parent)})


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("data", "_target_"), "os.system", "data._target_"),
        (("pooling", "tokens", "_target_"), "subprocess.run", "subprocess.run"),
        (("callbacks",), {"x": {"_target_": "os.system", "command": "touch canary"}}, "os.system"),
        (("encoder", "trust_remote_code"), True, "--trust-remote-code"),
        (("study",), "../../elsewhere", None),
        (("output_root",), "/nowhere", None),
        (("logger",), {"x": {"_target_": "os.system"}}, None),
    ],
)
def test_a_stranger_s_study_runs_no_code_and_writes_where_it_lies(cli, probes, place, value, said, tmp_path):
    for path in probes.glob("*/config.yaml"):
        config = yaml.safe_load(path.read_text())
        node = config
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = value
        rewrite(path, config | {"trusted": ["os", "subprocess"]})
    there = {path for path in tmp_path.rglob("*") if path.parent == probes.parent}
    done = cli("refit", "s")
    if said is None:
        assert done.status == 0, done.err
        assert len(refits(probes)) == 1
    else:
        assert done.status == 2
        assert said in done.err
        assert "Traceback" not in done.err
        assert not refits(probes)
    assert {path for path in tmp_path.rglob("*") if path.parent == probes.parent} == there


def test_data_that_changed_since_are_refused(cli, probes, files, write_csv, parts):
    write_csv(Path(files[0].partition("=")[2]), parts["train"][:-1])
    done = cli("refit", "s")
    assert done.status == 2
    assert done.problems[-1].startswith("the data of s:max changed since its runs were made (")
    assert not refits(probes)


@pytest.mark.parametrize(
    ("chosen", "penalty"), [((1.0, 0.1, 0.1), 0.1), ((0.1, 1.0), 1.0), ((0.1, 1.0, 1.0, 0.1, 3.0), 1.0)]
)
def test_the_penalty_of_most_replicates_and_of_as_many_the_stronger(outputs, compose, chosen, penalty):
    typed = ["encoder=tiny", "encoder.frozen=true", "trainer=probe", f"output_root={outputs}", "study=s"]
    for seed, one in enumerate(chosen):
        config = compose(*typed, f"seed={seed}").content.plain()
        write_run(outputs / "s", pooling="masked_mean", seed=seed, penalty=one, config=config)
    config = refit_config(choose_contender("s"), with_validation=True)
    assert config.trainer["penalties"] == [penalty]
    assert config.trainer["bootstrap"] is False
    assert refit_config(choose_contender("s")).trainer["penalties"] == compose(*typed).trainer["penalties"]


def test_a_run_that_does_not_say_what_it_selected(outputs, compose):
    config = compose("encoder=tiny", f"output_root={outputs}", "study=s").content.plain()
    write_run(outputs / "s", pooling="masked_mean", seed=0, config=config)
    with pytest.raises(UserError, match="does not record best_step, which --with-validation needs"):
        refit_config(choose_contender("s"), with_validation=True)


def test_no_fold_is_held_out_from_the_refit_of_folds(cli, animals, animal_rows, outputs):
    fixed = ["data=files", f"data.train={animals}", "encoder=tiny", "encoder.frozen=true", "trainer=probe"]
    assert cli("train", "-m", *fixed, "data.folds=3", "pooling=max", "study=s").status == 0
    done = cli("refit", "s", "--with-validation")
    assert done.status == 0, done.err
    [run] = refits(outputs / "s")
    result = result_of(run)
    assert (result["sizes"], result["distinct_rows"], result["metrics"]) == ({"train": 63}, 63, {})
    assert result["split"] == {"seed": 0, "fold": None, "folds": 3}
    assert not (run / "predictions-test.parquet").exists()
    expected = scikit_learn(run, animal_rows, animal_rows, result["penalty"])
    assert np.abs(probabilities(run, animal_rows) - expected).max() < 2e-4
    assert choose("s").runs == (run,)
    selecting = cli("refit", "s")
    assert selecting.status == 0, selecting.err
    [other] = [path for path in refits(outputs / "s") if path != run]
    assert result_of(other)["sizes"] == {"train": 57, "validation": 6}
    assert {name.partition("/")[0] for name in result_of(other)["metrics"]} == {"val"}
    for asked in ("report", "status"):
        assert cli(asked, "s").status == 0
    refused = cli("export", "s", "--to", "torch", "--out", str(outputs / "export"))
    assert refused.status == 2
    assert "fitted on all rows" in refused.err
    assert "--proof FILE" in refused.err


def test_folds_of_a_fine_tuned_contender_are_refitted_too(cli, animals, outputs):
    typed = [*TRAINED, f"data.train={animals}", "data.folds=3", "study=s"]
    assert cli("train", "-m", *typed).status == 0
    done = cli("refit", "s", "--with-validation")
    assert done.status == 0, done.err
    [run] = refits(outputs / "s")
    assert result_of(run)["sizes"] == {"train": 63}
    assert result_of(run)["metrics"] == {}


def test_all_rows_are_fitted_whatever_the_size_it_was_chosen_at(cli, animals, outputs):
    fixed = ["data=files", f"data.train={animals}", "encoder=tiny", "encoder.frozen=true", "trainer=probe"]
    assert cli("train", "-m", *fixed, "data.train_rows=9,20", "study=s").status == 0
    assert cli("refit", "s").status == 0
    [run] = refits(outputs / "s")
    assert result_of(run)["sizes"] == {"train": 51, "validation": 6, "test": 6}

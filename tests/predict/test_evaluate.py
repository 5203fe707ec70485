"""``poolsweep evaluate`` against scikit-learn, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn import metrics

from poolsweep.runs.speed import read_speed

NOISY = [("meow 1 x", "dog"), ("woof 2", "dog"), ("huhu xx", "owl"), ("meow", "cat"), ("huhu 9", "cat")] * 4


@pytest.fixture(scope="module")
def study(tmp_path_factory, animals) -> Path:
    """Two replicates of two probes."""
    from poolsweep.cli import main

    root = tmp_path_factory.mktemp("evaluate")
    typed = ["encoder=tiny", "encoder.frozen=true", "trainer=probe", "data=files", f"data.train={animals}"]
    typed += ["trainer.penalties=[0.01]", f"output_root={root}", "study=s"]
    assert main(["train", "-m", *typed, "pooling=max,masked_mean", "seed=0,1"]) == 0
    return root / "s"


@pytest.fixture(autouse=True)
def _outputs(study, monkeypatch):
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(study.parent))


@pytest.fixture
def noisy(tmp_path, write_csv) -> Path:
    return write_csv(tmp_path / "noisy.csv", NOISY)


def a_run(study: Path) -> Path:
    return sorted(path.parent for path in study.glob("*/result.json"))[0]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("model", ["run", "s:max"])
def test_metrics_are_scikit_learn_s_on_the_written_predictions(cli, study, noisy, tmp_path, ending, model):
    written = tmp_path / f"predictions.{ending}"
    model = str(a_run(study)) if model == "run" else model
    done = cli("evaluate", model, "--data", str(noisy), "--predictions", str(written), "--json")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    if ending == "csv":
        import pandas as pd

        table = pd.read_csv(written)
    else:
        table = pq.read_table(written).to_pandas()
    label, predicted = table["label"].tolist(), table["predicted"].tolist()
    names = ["cat", "dog", "owl"]
    assert label == [label for _, label in NOISY]
    assert table["row"].tolist() == list(range(1, 21))
    probabilities = table[[f"probability_{name}" for name in names]].to_numpy(np.float64)
    expected = {
        "accuracy": metrics.accuracy_score(label, predicted),
        "f1_macro": metrics.f1_score(label, predicted, average="macro"),
        "mcc": metrics.matthews_corrcoef(label, predicted),
        "log_loss": metrics.log_loss(label, probabilities / probabilities.sum(axis=1, keepdims=True), labels=names),
    }
    assert 0 < expected["accuracy"] < 1, "premise: some are wrong"
    assert {name: one["value"] for name, one in found["metrics"].items()} == pytest.approx(expected, abs=1e-6)
    assert all(one["low"] < one["value"] < one["high"] for one in found["metrics"].values())
    columns = metrics.precision_recall_fscore_support(label, predicted, labels=names, zero_division=0)
    told = [[one["precision"], one["recall"], one["f1"], one["support"]] for one in found["labels"]]
    assert [one["label"] for one in found["labels"]] == names
    assert np.array(told) == pytest.approx(np.array(columns).T, abs=1e-6)


def test_the_interval_of_accuracy_is_that_of_a_share(cli, study, noisy):
    found = json.loads(cli("evaluate", str(a_run(study)), "--data", str(noisy), "--json").out)["metrics"]["accuracy"]
    share, texts = found["value"], len(NOISY)
    half = 2.093024 * np.sqrt(share * (1 - share) / (texts - 1))  # Student's t with 19 degrees of freedom
    assert (found["low"], found["high"]) == pytest.approx((share - half, share + half), abs=1e-6)


def test_an_ensemble_stands_beside_the_mean_of_its_runs(cli, study, noisy):
    together = json.loads(cli("evaluate", "s:max", "--data", str(noisy), "--json").out)
    each = [
        json.loads(cli("evaluate", str(path), "--data", str(noisy), "--json").out)["metrics"]
        for path in study.iterdir()
        if (path / "result.json").is_file() and json.loads((path / "result.json").read_text())["pooling"] == "max"
    ]
    assert len(each) == len(together["single_runs"]["each"]) == 2
    expected = {name: np.mean([one[name]["value"] for one in each]) for name in each[0]}
    assert together["single_runs"]["mean"] == pytest.approx(expected, abs=1e-6)
    shown = cli("evaluate", "s:max", "--data", str(noisy))
    assert shown.err.strip() == "s:max; its 2 replicates are used together"
    assert "mean of the single runs" in shown.out
    assert "95% intervals cover other texts like these alone" in shown.out


def test_unknown_labels_are_named_with_their_rows(cli, study, write_csv, tmp_path, no_new_files):
    path = write_csv(tmp_path / "x.csv", [*NOISY[:2], ("moo", "cow"), ("meow", "ctt"), ("moo", "cow")])
    done = cli("evaluate", "s", "--data", str(path), "--predictions", str(tmp_path / "p.csv"))
    assert done.status == 2
    assert f"--data={path}: label 'cow' in rows 3 and 5 is not in the labels of s:" in done.err
    assert "label 'ctt' in row 4 is not in the labels of s:" in done.err
    assert "did you mean cat?" in done.err
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([("", "cat"), ("meow", "cat")], (), "empty text in row 1"),
        ([("meow", ""), ("meow", "cat")], (), "empty label in row 1"),
        ([("meow", "-1"), ("meow", "")], (), "are hidden (-1 or empty)"),
        ([("meow", "cat")], ("--label", "labl"), "has no column 'labl'; did you mean label?"),
        ([("meow", "cat")], ("--label", "text"), "must name different columns"),
        ([("meow", "cat")], ("--text-pair", "text"), "the model reads single texts"),
        ([("meow", "cat")], ("--predictions", "p.json"), "--predictions=p.json must end in .csv or .parquet"),
        ([("meow", "cat")], ("--predictions", "no/p.csv"), "its folder must exist"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(cli, study, write_csv, tmp_path, rows, options, said):
    path = write_csv(tmp_path / "x.csv", rows)
    done = cli("evaluate", str(a_run(study)), "--data", str(path), *options)
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_file_must_be_given(cli, study):
    assert "--data FILE must be given" in cli("evaluate", "s").err


def test_one_text_has_no_interval(cli, study, write_csv, tmp_path):
    path = write_csv(tmp_path / "x.csv", [("meow", "cat")])
    done = cli("evaluate", "s", "--data", str(path), "--json")
    assert json.loads(done.out)["metrics"]["accuracy"]["low"] is None


def test_speed_is_written_where_the_report_finds_it(cli, study, noisy, monkeypatch):
    monkeypatch.setattr("poolsweep.predict.speed._SECONDS", 0.05)
    before = {path: path.read_bytes() for path in study.glob("*/result.json")}
    done = cli("evaluate", "s", "--speed")
    assert done.status == 0, done.err
    measured = list(study.glob("*/speed.json"))
    assert len(measured) == 2, "one run of each pooling"
    for path in measured:
        speed = read_speed(path.parent)
        assert speed is not None
        assert all(rate > 0 for rate in speed.texts_per_second.values())
        assert speed.weight_bytes > (path.parent / "checkpoints" / "best.safetensors").stat().st_size // 2
    assert {path: path.read_bytes() for path in study.glob("*/result.json")} == before
    assert cli("status", "s").status == 0
    both = cli("evaluate", "s:max", "--speed", "--data", str(noisy), "--json")
    assert json.loads(both.out)["texts"] == len(NOISY)
    assert "texts/s at 64" in both.err


@pytest.mark.parametrize(
    "content",
    ["[]", "{", '{"texts_per_second": {"1": "x", "64": 1}, "weight_bytes": 1, "hardware": "h", "texts": 1}',
     '{"texts_per_second": {"1": NaN, "64": 1}, "weight_bytes": 1, "hardware": "h", "texts": 1}',
     '{"texts_per_second": {"1": 1, "64": 1}, "weight_bytes": -1, "hardware": "h", "texts": 1}',
     '{"texts_per_second": {"1": 1, "64": 1}, "weight_bytes": 1, "hardware": 3, "texts": 1}'],
)  # fmt: skip
def test_an_odd_speed_is_none(tmp_path, content):
    (tmp_path / "speed.json").write_text(content)
    assert read_speed(tmp_path) is None


def test_the_page_names_options_that_there_are(cli):
    page = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")
    typed = [line.split() for line in page.splitlines() if line.startswith("    poolsweep ")]
    assert {"refit", "evaluate", "report"} == {words[1] for words in typed}
    for _, verb, *words in typed:
        with pytest.raises(SystemExit):
            cli(verb, "--help")
        with pytest.raises(SystemExit):
            cli(verb, *words, "--help")  # argparse reads what stands before it

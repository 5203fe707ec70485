"""torchmetrics classes of the user's own: measured on a whole split, recorded, monitored, and never run for others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import cohen_kappa_score, r2_score

from poolsweep.training.load import load_run

KAPPA = "+own_metrics.kappa._target_=torchmetrics.classification.MulticlassCohenKappa"
R2 = "+own_metrics.r2._target_=torchmetrics.regression.R2Score"
PROBE = ("encoder=tiny", "encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu")


@pytest.fixture
def typed(animals) -> list[str]:
    return [
        "train",
        "data=files",
        f"data.train={animals}",
        "encoder=tiny",
        "trainer.accelerator=cpu",
        "trainer.max_epochs=2",
    ]


def finished(outputs: Path) -> tuple[Path, dict]:
    [path] = outputs.glob("*/*/result.json")
    return path.parent, json.loads(path.read_text())


def test_it_is_that_of_scikit_learn_and_selects(cli, typed, outputs):
    done = cli(*typed, KAPPA, "+own_metrics.kappa.num_classes=3", "monitor=val/kappa")
    assert done.status == 0, done.err
    folder, result = finished(outputs)
    assert result["monitor"] == "val/kappa"
    assert "kappa" not in result["measured"], "a report cannot rank by it"
    for prefix, split in (("val", "validation"), ("test", "test")):
        table = pq.read_table(folder / f"predictions-{split}.parquet").to_pydict()
        expected = cohen_kappa_score(table["label"], table["predicted"])
        assert result["metrics"][f"{prefix}/kappa"] == pytest.approx(expected, abs=1e-6)
    assert "val/kappa" in (folder / "metrics.csv").read_text().splitlines()[0]
    assert cli("report", "default").status == 0
    refused = cli("report", "default", "--metric", "kappa")
    assert refused.status == 2
    assert "metric kappa is none that a report ranks by" in refused.err


def test_a_probe_measures_scores_in_the_units_of_the_data(cli, outputs, tmp_path, write_csv):
    rows = [(f"{'good ' * (i % 3)}{i}", f"{1000 + 10 * (i % 3)}") for i in range(60)]
    train = write_csv(tmp_path / "train.csv", rows)
    done = cli("train", *PROBE, "data=files", f"data.train={train}", "task=regression", R2)
    assert done.status == 0, done.err
    folder, result = finished(outputs)
    table = pq.read_table(folder / "predictions-test.parquet").to_pydict()
    assert result["metrics"]["test/r2"] == pytest.approx(r2_score(table["label"], table["predicted"]), abs=1e-4)
    assert np.ptp(table["label"]) == 20


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["+own_metrics.e._target_=os.system"], "own_metrics.e._target_=os.system is refused"),
        (["+own_metrics.e._target_=torchmetrics.classification.os"], "own_metrics.e._target_"),
        ([KAPPA], "own_metrics.kappa: MulticlassCohenKappa.__init__() missing 1 required positional argument"),
        ([KAPPA.replace("kappa.", "accuracy.")], "own_metrics.accuracy must have a name"),
        (["+own_metrics.e._target_=torchmetrics.regression.MeanSquaredError", "monitor=val/e"],
         "monitor=val/e needs a class that says higher_is_better = True"),
        (["monitor=val/kappa"], "monitor=val/kappa is not measured"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(cli, typed, overrides, problem):
    done = cli(*typed, *overrides)
    assert done.status == 2
    assert problem in done.err
    assert "Traceback" not in done.err


def test_one_that_does_not_take_the_predictions_says_so(cli, typed):
    done = cli(*typed, R2)
    assert done.status != 0
    assert "own_metrics.r2 (R2Score) cannot measure" in done.err


def test_a_strangers_folder_runs_no_metric_of_his(cli, typed, outputs, tmp_path, monkeypatch):
    (tmp_path / "kappa_package.py").write_text(
        "from torchmetrics.classification import MulticlassCohenKappa\n"
        "class Kappa(MulticlassCohenKappa):\n"
        "    def __init__(self):\n"
        "        super().__init__(num_classes=3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own = "+own_metrics.kappa._target_=kappa_package.Kappa"
    refused = cli(*typed, own)
    assert refused.status == 2
    assert "trusted=[kappa_package]" in refused.err
    assert cli(*typed, own, "trusted=[kappa_package]", "monitor=val/kappa").status == 0
    folder, _ = finished(outputs)
    run = load_run(folder)
    assert run.classifier.own_metrics is None, "loaded without trust, and without its code"

"""One score a text: metrics in the data's units against scipy and scikit-learn, bounds, losses, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from poolsweep.data.batch import Batch
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.tasks import Regression
from poolsweep.tasks.scale import Scale
from poolsweep.training.load import load_run

WORDS = ("bad", "meh", "fine", "good", "great")


@pytest.fixture(scope="module")
def scored(tmp_path_factory, write_csv) -> Path:
    """90 texts whose words tell their score."""
    random = np.random.default_rng(0)
    chosen = [random.integers(len(WORDS), size=random.integers(1, 6)) for _ in range(90)]
    rows = [
        (f"{' '.join(WORDS[i] for i in ids)} {row}", f"{1000 + 7 * ids.mean():.3f}") for row, ids in enumerate(chosen)
    ]
    return write_csv(tmp_path_factory.mktemp("scored") / "train.csv", rows)


@pytest.fixture
def typed(scored) -> list[str]:
    return [
        "train", "task=regression", "data=files", f"data.train={scored}", "encoder=tiny", "trainer.accelerator=cpu",
        "trainer.max_epochs=2",
    ]  # fmt: skip


def finished(outputs: Path) -> tuple[Path, dict[str, object]]:
    [path] = outputs.glob("*/*/result.json")
    return path.parent, json.loads(path.read_text())


def expected(folder: Path, split: str) -> dict[str, float]:
    table = pq.read_table(folder / f"predictions-{split}.parquet")
    label, predicted = (table.column(name).to_numpy() for name in ("label", "predicted"))
    return {
        "pearson": stats.pearsonr(label, predicted).statistic, "spearman": stats.spearmanr(label, predicted).statistic,
        "mae": mean_absolute_error(label, predicted), "rmse": root_mean_squared_error(label, predicted),
    }  # fmt: skip


@pytest.mark.parametrize("precision", ["32", "bf16-true"])
def test_metrics_are_those_of_scipy_and_scikit_learn_in_the_units_of_the_data(cli, typed, outputs, scored, precision):
    done = cli(*typed, f"trainer.precision={precision}")
    assert done.status == 0, done.err
    folder, result = finished(outputs)
    assert result["task"] == "regression"
    assert result["monitor"] == "val/pearson"
    assert result["measured"] == ["pearson", "spearman", "mae", "rmse"]
    for prefix, split in (("val", "validation"), ("test", "test")):
        found = {name: result["metrics"][f"{prefix}/{name}"] for name in ("pearson", "spearman", "mae", "rmse")}
        assert found == pytest.approx(expected(folder, split), abs=1e-6)
    table = pq.read_table(folder / "predictions-test.parquet").to_pydict()
    given = [line.rpartition(",")[2] for line in scored.read_text().splitlines()[1:]]
    assert table["label"] == [float(given[row]) for row in table["row_id"]], "exactly as the file has them"
    scale = json.loads((folder / "labels.json").read_text())
    errors = (np.array(table["label"]) - np.array(table["predicted"])) / scale["std"]
    assert result["metrics"]["test/loss"] == pytest.approx(np.mean(errors**2), rel=1e-5), "of standardised scores"


def test_the_folder_alone_gives_the_predictions(cli, typed, outputs, scored):
    assert cli(*typed, "task.bounds=[1000,1028]", "loss=huber", "loss.delta=0.5").status == 0
    folder, _ = finished(outputs)
    table = pq.read_table(folder / "predictions-test.parquet").to_pydict()
    run = load_run(folder)
    assert run.contract.to_mapping()["bounds"] == [1000.0, 1028.0]
    texts = [line.rpartition(",")[0] for line in scored.read_text().splitlines()[1:]]
    with torch.no_grad():
        logits = run.classifier(run.batch([texts[row] for row in table["row_id"]]))
    assert logits.shape == (len(table["row_id"]), 1)
    assert run.config.task.predicted(run.contract, logits)[:, 0].tolist() == pytest.approx(table["predicted"], abs=1e-3)
    assert min(table["predicted"]) > 1000
    assert max(table["predicted"]) < 1028


def test_logits_are_standardised_scores_or_those_of_a_sigmoid():
    logits, targets = torch.tensor([[0.0], [1.0], [-2.0]]), torch.tensor([3.0, 5.0, 1.0], dtype=torch.float64)
    task, scale = Regression(), Scale(3.0, 2.0)
    assert task.predicted(scale, logits).tolist() == [[3.0], [5.0], [-1.0]]
    predicted, wanted = task.for_loss(scale, logits, targets)
    assert predicted.tolist() == [0.0, 1.0, -2.0]
    assert wanted.tolist() == [0.0, 1.0, -1.0]
    bounded = Scale(3.0, 2.0, (0.0, 5.0))
    shares = 5 / (1 + np.exp(-logits.double().numpy()))
    assert task.predicted(bounded, logits).numpy() == pytest.approx(shares)
    predicted, wanted = task.for_loss(bounded, logits, targets)
    assert predicted.numpy() == pytest.approx((shares[:, 0] - 3) / 2, abs=1e-6)
    assert wanted.tolist() == [0.0, 1.0, -1.0]


def test_metrics_over_batches_ties_and_constant_predictions():
    random = np.random.default_rng(1)
    targets, logits = random.integers(4, size=200) / 2 + 1e6, random.integers(5, size=200).astype(np.float32)
    metrics = SplitMetrics(Regression(), Scale(1e6, 2.0), Regression.metrics, prefix="val/", settles=True)
    for place, part in enumerate(np.array_split(np.arange(200), 7)):
        metrics.update(torch.from_numpy(logits[part])[:, None], torch.from_numpy(targets[part]), place=place)
    found = {name: float(value) for name, value in metrics.compute().items()}
    predicted = logits.astype(np.float64) * 2 + 1e6
    assert found == pytest.approx({
        "val/pearson": stats.pearsonr(targets, predicted).statistic,
        "val/spearman": stats.spearmanr(targets, predicted).statistic,
        "val/mae": mean_absolute_error(targets, predicted),
        "val/rmse": root_mean_squared_error(targets, predicted),
    }, abs=1e-9)  # fmt: skip
    metrics.reset()
    metrics.update(torch.zeros(3, 1), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    constant = metrics.compute()
    assert constant["val/pearson"] == constant["val/spearman"] == 0
    metrics.reset()
    metrics.update(torch.tensor([[0.0], [torch.nan]]), torch.tensor([1.0, 2.0]))
    assert all(value.isnan() for value in metrics.compute().values()), "divergence is seen, not hidden"


def test_a_metric_that_falls_is_monitored(cli, typed, outputs):
    assert cli(*typed, "monitor=val/rmse", "metrics=[rmse,mae]").status == 0
    _, result = finished(outputs)
    assert (result["monitor"], result["mode"], result["measured"]) == ("val/rmse", "min", ["rmse", "mae"])


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["0.5", "many", "1", "2"], "score 'many' in row 2 is no finite number"),
        (["0.5", "nan", "1", "2"], "score 'nan' in row 2 is no finite number"),
        (["0.5", "1,5", "1", "2"], "score '1,5' in row 2 is no finite number; the decimal separator is a point"),
        (["1", "1.0", "1", "1"], "training needs scores that differ, found 1 alone"),
        (["a", "b", "c", "1"], "the label 'a' of row 1 is no finite number, nor are most others"),
    ],
)
def test_what_is_no_score_is_refused_with_its_row(cli, write_csv, tmp_path, rows, problem):
    files = {
        name: write_csv(tmp_path / f"{name}.csv", [(f"{name} {i}", label) for i, label in enumerate(labels)])
        for name, labels in (("train", rows), ("validation", ["1", "2"]), ("test", ["1", "2"]))
    }
    done = cli("train", "task=regression", "data=files", *(f"data.{n}={p}" for n, p in files.items()), "encoder=tiny")
    assert done.status == 2
    assert f"train.csv: {problem}" in done.err


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("loss=cross_entropy", "loss=cross_entropy is none for task=regression; valid: mse, huber"),
        ("task.bounds=[5,0]", "task.bounds must be two numbers, the lower one first, got [5, 0]"),
        ("task.bounds=[5]", "task.bounds must be"),
        ("task.bounds=high", "task.bounds must be"),
        ("loss.delta=0", "loss.delta"),
        ("task.bounds=[1005,1010]", "lies outside task.bounds=[1005,1010]"),
        ("metrics=[accuracy]", "metrics=accuracy is no metric of task=regression"),
        ("data.labels=[a,b]", "task=regression reads numbers"),
    ],
)
def test_options_that_cannot_be_are_refused(cli, typed, override, problem):
    typed = [*typed, "loss=huber"] if override.startswith("loss.") else typed
    done = cli(*typed, override)
    assert done.status == 2
    assert problem in done.err
    assert "Traceback" not in done.err


def test_splits_have_their_share_of_every_range_of_scores():
    column = pa.chunked_array([[str(i / 7) for i in range(600)] + [None, "x"]], pa.string())
    strata = Regression().strata(column)
    assert np.bincount(strata[:600]).tolist() == [60] * 10
    assert strata[600:].tolist() == [-1, -1]
    assert set(Regression().strata(column[:90]).tolist()) == {0}, "too few rows for ranges"


def test_targets_keep_their_precision_on_the_way():
    batch = Batch(torch.tensor([1e9 + 0.5], dtype=torch.float64), torch.zeros(1), torch.ones(1, 2, dtype=torch.bool))
    assert batch.to("cpu").targets.item() == 1e9 + 0.5

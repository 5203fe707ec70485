"""The ridge of a probe is scikit-learn's, for every penalty, with weights, and read block by block."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as Reference

from poolsweep.probe.objective import Rows
from poolsweep.probe.ridge import Ridge

RANDOM = np.random.default_rng(0)
VECTORS = (RANDOM.normal(size=(300, 20)) @ RANDOM.normal(size=(20, 20)) + 50).astype(np.float32)
SCORES = VECTORS[:, 0] * 0.3 + RANDOM.normal(size=300) + 100


def rows_of(vectors: np.ndarray, counts: np.ndarray, *, blocks: int) -> Rows:
    return Rows(lambda: iter(torch.from_numpy(vectors).split(blocks)), torch.from_numpy(counts / counts.sum()))


@pytest.mark.parametrize("penalty", [10.0, 0.1, 1e-4])
@pytest.mark.parametrize("blocks", [300, 7])
def test_it_is_the_ridge_of_scikit_learn(penalty: float, blocks: int):
    counts = np.bincount(RANDOM.integers(300, size=300), minlength=300)
    drawn = counts > 0
    found = Ridge(rows_of(VECTORS[drawn], counts[drawn], blocks=blocks), torch.from_numpy(SCORES[drawn])).solve(penalty)
    repeated = np.repeat(np.arange(300), counts)
    inputs, targets = VECTORS[repeated].astype(np.float64), SCORES[repeated]
    reference = Reference(alpha=penalty * 300, solver="cholesky").fit(inputs, targets)
    assert found.weight[0].numpy() == pytest.approx(reference.coef_, rel=1e-6, abs=1e-9)
    assert found.bias.numpy() == pytest.approx([reference.intercept_], rel=1e-6)
    errors = targets - reference.predict(inputs)
    assert found.loss == pytest.approx(np.mean(errors**2), rel=1e-6)
    assert found.objective == pytest.approx(np.mean(errors**2) + penalty * np.sum(reference.coef_**2), rel=1e-6)


def test_more_features_than_rows():
    vectors, scores = VECTORS[:12], SCORES[:12]
    found = Ridge(rows_of(vectors, np.ones(12), blocks=5), torch.from_numpy(scores)).solve(0.01)
    reference = Reference(alpha=0.12, solver="svd").fit(vectors.astype(np.float64), scores)
    assert found.weight[0].numpy() == pytest.approx(reference.coef_, rel=1e-6)


def test_a_smaller_unit_of_the_data_gives_the_same_predictions(cli, outputs, tmp_path, write_csv):
    """Penalties mean the same whatever the scores are measured in: they are standardised first."""
    texts = [f"{'good ' * (i % 3)}{'bad ' * (i % 5)}{i}" for i in range(60)]
    chosen = []
    for factor in (1, 1000):
        train = write_csv(tmp_path / f"{factor}.csv", [(t, str(factor * (i % 3 + 1.5))) for i, t in enumerate(texts)])
        done = cli(
            "train", "task=regression", "data=files", f"data.train={train}", "encoder=tiny", "encoder.frozen=true",
            "trainer=probe", "trainer.accelerator=cpu", f"study=x{factor}",
        )  # fmt: skip
        assert done.status == 0, done.err
        [path] = outputs.glob(f"x{factor}/*/result.json")
        chosen.append(json.loads(path.read_text()))
    one, thousand = (result["metrics"] for result in chosen)
    assert chosen[0]["penalty"] == chosen[1]["penalty"]
    assert thousand["test/rmse"] == pytest.approx(1000 * one["test/rmse"], rel=1e-4)
    assert thousand["test/pearson"] == pytest.approx(one["test/pearson"], abs=1e-5)
    assert thousand["test/loss"] == pytest.approx(one["test/loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("task.bounds=[0,5]", "trainer=probe solves a linear head, whose scores have no bounds: task.bounds=null"),
        ("loss=huber", "trainer=probe solves loss=mse for task=regression, got poolsweep.loss.huber.Huber"),
    ],
)
def test_what_has_no_closed_form_is_refused(cli, tmp_path, write_csv, override, problem):
    train = write_csv(tmp_path / "train.csv", [(f"text {i}", str(i % 5)) for i in range(30)])
    done = cli(
        "train", "task=regression", "data=files", f"data.train={train}", "encoder=tiny", "encoder.frozen=true",
        "trainer=probe", override,
    )  # fmt: skip
    assert done.status == 2
    assert problem in done.problems

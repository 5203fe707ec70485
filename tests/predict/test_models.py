"""A loaded model predicts what its run recorded, and each text for itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from poolsweep.errors import UserError
from poolsweep.predict.ensemble import Ensemble
from poolsweep.predict.load import load_model
from poolsweep.training.load import load_run

from .conftest import REGIMES, folders_of


def recorded(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Row ids and probabilities of the test split, as training wrote them."""
    table = pq.read_table(run / "predictions-test.parquet")
    return table.column("row_id").to_numpy(), np.stack(table.column("probabilities").to_numpy(zero_copy_only=False))


@pytest.mark.parametrize("pooling", ["cls", "last4_concat"])
@pytest.mark.parametrize("regime", REGIMES)
def test_predictions_are_those_that_the_run_recorded(studies, animal_rows, regime, pooling):
    for run in folders_of(studies / regime, pooling):
        rows, wanted = recorded(run)
        found = load_model(run, device="cpu").predict([animal_rows[i][0] for i in rows])
        np.testing.assert_allclose(found.values, wanted, atol=1e-5)
        assert not found.truncated.any()


@pytest.mark.parametrize("regime", REGIMES)
def test_a_texts_probabilities_do_not_depend_on_the_others(studies, animal_rows, regime):
    model = load_model(folders_of(studies / regime, "last4_concat")[0], device="cpu")
    texts = [text for text, _ in animal_rows] + ["a", "x " * 400]
    together = model.predict(texts)
    alone = np.concatenate([model.predict([text]).values for text in texts])
    np.testing.assert_allclose(together.values, alone, atol=1e-6)
    np.testing.assert_allclose(model.predict(texts[::-1]).values[::-1], together.values, atol=1e-6)
    assert together.truncated.tolist() == [False] * 64 + [True]


def test_vectors_are_what_the_head_reads(studies, animal_rows):
    model = load_model(folders_of(studies / "tuned", "last4_concat")[0], device="cpu")
    run = load_run(folders_of(studies / "tuned", "last4_concat")[0])
    texts = [text for text, _ in animal_rows[:20]]
    with torch.inference_mode():
        wanted = run.classifier.pool(run.batch(texts)).numpy()
    found = model.encode(texts).values
    assert found.shape == (20, 4 * 32)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("regime", ["probe", "tuned"])
def test_replicates_give_the_mean_of_their_probabilities(studies, animal_rows, monkeypatch, regime):
    texts = [text for text, _ in animal_rows]
    runs = folders_of(studies / regime, "cls")
    single = [load_model(run, device="cpu").predict(texts).values for run in runs]
    assert np.abs(single[0] - single[1]).max() > 1e-3, "premise: the replicates differ"
    model = load_model(f"{studies / regime}:cls", device="cpu")
    assert isinstance(model, Ensemble)
    np.testing.assert_allclose(model.predict(texts).values, np.mean(single, axis=0), atol=1e-6)
    assert len(model._passes) == {"probe": 1, "tuned": 2}[regime], "a frozen encoder reads the texts once"
    with pytest.raises(UserError, match=r"poolsweep refit .*:cls makes one model, or name a run: "):
        model.encode(texts)


def test_identity_tells_weights_and_places_apart(studies):
    one, other = folders_of(studies / "tuned", "cls")
    found = {
        load_model(run, device="cpu", precision=precision).identity
        for run, precision in ((one, "32"), (other, "32"), (one, "bf16"))
    }
    assert len(found) == 3
    assert load_model(one, device="cpu").identity in found


def test_half_precision_is_near(studies, animal_rows):
    [run, *_] = folders_of(studies / "tuned", "last4_concat")
    texts = [text for text, _ in animal_rows]
    exact, half = (load_model(run, device="cpu", precision=p).predict(texts).values for p in ("32", "bf16"))
    assert 0 < np.abs(exact - half).max() < 0.02


def test_no_texts_give_no_rows(studies):
    model = load_model(folders_of(studies / "probe", "cls")[0], device="cpu")
    assert model.predict([]).values.shape == (0, 3)
    assert model.encode([]).values.shape == (0, 32)


def test_what_cannot_be_is_refused(studies):
    [run, *_] = folders_of(studies / "probe", "cls")
    with pytest.raises(UserError, match="reads single texts, not pairs"):
        load_model(run, device="cpu").predict(["a"], ["b"])
    with pytest.raises(UserError, match="precision must be one of 32, bf16, 16, got 8"):
        load_model(run, device="cpu", precision="8")
    with pytest.raises(UserError, match=r"device nonsense cannot be used here: .*; cpu can"):
        load_model(run, device="nonsense")

"""``calibrate=temperature``: fitted on validation, stored, and applied by whatever uses the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import log_loss

from poolsweep.predict.ensemble import Ensemble
from poolsweep.predict.run_model import RunModel
from poolsweep.training.load import load_run

PROBE = ("encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu", "trainer.penalties=[0.001]")
TRAINED = ("trainer.accelerator=cpu", "trainer.max_epochs=2", "optimizer.lr=1e-2", "data.eval_batch_size=5")


@pytest.fixture(scope="module")
def noisy(tmp_path_factory, write_csv, animal_rows) -> list[str]:
    """Files of which every fourth label is wrong, so that no head is always right."""
    names, folder = ("cat", "dog", "owl"), tmp_path_factory.mktemp("noisy")
    rows = [(text, names[i // 4 % 3] if i % 4 == 0 else label) for i, (text, label) in enumerate(animal_rows)]
    parts = {"train": rows[:30], "validation": rows[30:48], "test": rows[48:]}
    return [f"data.{name}={write_csv(folder / f'{name}.csv', part)}" for name, part in parts.items()]


def results(study: Path) -> dict[Path, dict]:
    return {path.parent: json.loads(path.read_text()) for path in sorted(study.glob("*/result.json"))}


def read(run: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels as ids."""
    table = pq.read_table(run / f"predictions-{split}.parquet")
    ids = {"cat": 0, "dog": 1, "owl": 2}
    return np.array(table["probabilities"].to_pylist()), np.array([ids[name] for name in table["label"].to_pylist()])


@pytest.mark.parametrize("options", [PROBE, TRAINED])
def test_it_changes_probabilities_and_no_decision(cli, outputs, noisy, options):
    typed = ["train", "-m", "data=files", *noisy, "encoder=tiny", *options, "calibrate=none,temperature", "study=s"]
    done = cli(*typed)
    assert done.status == 0, done.err
    found = {result.get("temperature", 1.0): (run, result) for run, result in results(outputs / "s").items()}
    (plain, before), (run, after) = found.pop(1.0), next(iter(found.values()))
    [temperature] = found
    assert json.loads((run / "labels.json").read_text())["temperature"] == temperature
    assert abs(np.log(temperature)) > 0.05, "premise: it matters"
    assert {name: value for name, value in after["metrics"].items() if "loss" not in name} == pytest.approx(
        {name: value for name, value in before["metrics"].items() if "loss" not in name}
    )
    losses = {}
    for split in ("validation", "test"):
        (raw, labels), (calibrated, same) = read(plain, split), read(run, split)
        assert np.array_equal(labels, same)
        powers = raw ** (1 / temperature)
        np.testing.assert_allclose(calibrated, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)
        losses[split] = [log_loss(labels, p / p.sum(axis=1, keepdims=True)) for p in (raw, calibrated)]
    assert losses["validation"][1] < losses["validation"][0]
    text = "meow xxx 5"
    ours = [RunModel(load_run(one), name="run").predict([text]).values[0] for one in (plain, run)]
    powers = ours[0].astype(float) ** (1 / temperature)
    np.testing.assert_allclose(ours[1], powers / powers.sum(), atol=1e-6)


@pytest.fixture
def probes(cli, outputs, noisy) -> Path:
    typed = ["train", "-m", "data=files", *noisy, "encoder=tiny", *PROBE, "calibrate=temperature", "seed=0,1,2"]
    done = cli(*typed, "study=s")
    assert done.status == 0, done.err
    return outputs / "s"


def test_replicates_together_average_calibrated_probabilities(probes):
    members = [RunModel(load_run(run), name=str(run)) for run in results(probes)]
    texts = ["meow", "woof 1", "huhu xx"]
    together = Ensemble(members, name="s").predict(texts).values
    np.testing.assert_allclose(together, np.mean([one.predict(texts).values for one in members], axis=0), atol=1e-6)


def test_a_refit_without_validation_rows_takes_the_mean_of_the_replicates(cli, probes):
    temperatures = [result["temperature"] for result in results(probes).values()]
    assert len({*temperatures}) == 3, "premise: they differ"
    done = cli("refit", "s", "--with-validation")
    assert done.status == 0, done.err
    [run] = [run for run, result in results(probes).items() if "refit" in result]
    stored = json.loads((run / "labels.json").read_text())["temperature"]
    assert stored == pytest.approx(np.exp(np.mean(np.log(temperatures))), abs=1e-8)
    assert cli("refit", "s").status == 0
    fitted = [result for result in results(probes).values() if "refit" in result and "temperature" in result]
    assert len(fitted) == 1, "with validation rows left, one is fitted on them"


def test_the_page_shows_both(cli, probes, outputs):
    assert cli("report", "s").status == 0
    page = (probes / "report" / "report.html").read_text()
    assert "Before → after the temperature." in page
    assert "Grey: before the temperature was applied." in page
    assert page.count(" → ") >= 3


def test_a_validation_split_without_a_mistake_sets_no_temperature_and_is_said(cli, outputs, animals):
    typed = ["train", "data=files", f"data.train={animals}", "encoder=tiny", *PROBE, "calibrate=temperature"]
    done = cli(*typed)
    assert done.status == 0, done.err
    [(run, result)] = results(outputs / "default").items()
    assert result["metrics"]["val/accuracy"] == 1, "premise: no mistake"
    assert result["temperature"] == 0.1
    assert "the temperature is at its bound, 0.1" in (run / "run.log").read_text()
    report = cli("report", "default")
    assert "masked_mean: the temperature is at its bound, 0.1" in (run.parent / "report" / "report.html").read_text()
    assert report.status == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("task=regression", "calibrate=temperature"), "task=regression predicts numbers: calibrate=none"),
        (("task=similarity", "calibrate=2"), "task=similarity predicts numbers: calibrate=none"),
        (("calibrate=platt",), "calibrate must be none, temperature, or a temperature above 0, got 'platt'"),
        (("calibrate=0",), "calibrate must be none, temperature, or a temperature above 0, got 0"),
        (("calibrate=inf",), "calibrate must be none, temperature, or a temperature above 0, got inf"),
        (("task=classification", "+task.calibrate=temperature"), "there is no key task.calibrate"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(cli, animals, no_new_files, typed, said):
    done = cli("train", "data=files", f"data.train={animals}", "encoder=tiny", *typed)
    assert done.status == 2
    assert said in done.err

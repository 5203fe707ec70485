"""Every verb that uses a trained model, with every task: it works, or refuses by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn import metrics

from poolsweep.tasks import TASKS

SOUNDS = {"cat": "meow", "dog": "woof", "owl": "huhu"}


@dataclass(frozen=True)
class Case:
    """A task with data that it can learn.

    Attributes:
        task: Its name.
        overrides: What is typed beside data and encoder.
        paired: Whether texts come in pairs.
    """

    task: str
    overrides: tuple[str, ...] = ()
    paired: bool = False

    @property
    def siamese(self) -> bool:
        return "pairs=siamese" in self.overrides

    def rows(self) -> pd.DataFrame:
        """60 rows, with labels as the task has them."""
        names = [*SOUNDS]
        first = [names[i % 3] for i in range(60)]
        second = [names[(i * 7 // 3) % 3] for i in range(60)]
        texts = [f"{SOUNDS[a]} {SOUNDS[b]} {'x' * (i % 5)}" for i, (a, b) in enumerate(zip(first, second, strict=True))]
        label = {
            "classification": first,
            "multilabel": ["|".join(sorted({a, b})) for a, b in zip(first, second, strict=True)],
            "regression": [round(10.0 * names.index(a) + 0.1 * (i % 9), 2) for i, a in enumerate(first)],
            "similarity": [5.0 * (a == b) - 0.01 * i for i, (a, b) in enumerate(zip(first, second, strict=True))],
        }[self.task]
        pairs = {"text_pair": [SOUNDS[b] for b in second]} if self.paired else {}
        return pd.DataFrame({"text": texts, **pairs, "label": label})


CASES = {
    "classification": Case("classification"),
    "classification-siamese": Case("classification", ("pairs=siamese",), paired=True),
    "multilabel": Case("multilabel", ("task.thresholds=fitted",)),
    "regression": Case("regression"),
    "regression-siamese": Case("regression", ("pairs=siamese",), paired=True),
    "similarity": Case("similarity", paired=True),
}
CASES = {name: case for name, case in CASES.items() if case.task in TASKS}


@dataclass(frozen=True)
class Made:
    """A study of a case."""

    case: Case
    study: Path
    data: Path

    @property
    def run(self) -> str:
        return str(min(path.parent for path in self.study.glob("*/result.json")))

    @property
    def solved(self) -> bool:
        """Whether there is anything to fit."""
        return self.case.task != "similarity"


@pytest.fixture(scope="module", params=CASES)
def made(request, tmp_path_factory) -> Made:
    from poolsweep.cli import main

    case = CASES[request.param]
    root = tmp_path_factory.mktemp(request.param)
    data = root / "rows.csv"
    case.rows().to_csv(data, index=False)
    typed = ["encoder=tiny", f"task={case.task}", "data=files", f"data.train={data}", *case.overrides]
    typed += ["data.text_pair=text_pair"] if case.paired else []
    if case.task == "similarity":
        typed += ["seed=0"]
    else:
        typed += ["encoder.frozen=true", "trainer=probe", "trainer.penalties=[0.1]", "seed=0,1"]
    assert main(["train", "-m", *typed, "pooling=masked_mean", f"output_root={root}", "study=s"]) == 0
    return Made(case, root / "s", data)


@pytest.fixture(autouse=True)
def _outputs(made, monkeypatch):
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(made.study.parent))


def scores_of(case: Case, table: pd.DataFrame) -> dict[str, float]:
    """The metrics of a table of predictions, by scikit-learn and scipy."""
    true, said = table["label"], table["predicted"]
    if case.task == "classification":
        return {
            "accuracy": metrics.accuracy_score(true, said),
            "f1_macro": metrics.f1_score(true, said, average="macro"),
            "mcc": metrics.matthews_corrcoef(true, said),
        }
    if case.task == "multilabel":
        dummies = [column.fillna("").str.get_dummies("|") for column in (true, said)]
        marks = [one.reindex(columns=[*SOUNDS], fill_value=0) for one in dummies]
        return {
            "f1_micro": metrics.f1_score(*marks, average="micro"),
            "f1_macro": metrics.f1_score(*marks, average="macro", zero_division=0),
            "subset_accuracy": metrics.accuracy_score(*marks),
        }
    found = {"pearson": scipy.stats.pearsonr(true, said)[0], "spearman": scipy.stats.spearmanr(true, said)[0]}
    if case.task == "regression":
        found |= {"mae": metrics.mean_absolute_error(true, said), "rmse": metrics.root_mean_squared_error(true, said)}
    return found


@pytest.mark.parametrize("model", ["run", "s"])
def test_predict_and_evaluate(made, cli, tmp_path, model):
    model = made.run if model == "run" else model
    out, written = tmp_path / "out.csv", tmp_path / "predictions.csv"
    done = cli("predict", model, "--input", str(made.data), "--output", str(out))
    assert done.status == 0, done.err
    done = cli("evaluate", model, "--data", str(made.data), "--predictions", str(written), "--json")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    table = pd.read_csv(written)
    predicted = pd.read_csv(out)["predicted"]
    pd.testing.assert_series_equal(predicted, table["predicted"], rtol=1e-6)
    expected = scores_of(made.case, table)
    told = {name: one["value"] for name, one in found["metrics"].items() if name in expected}
    assert told == pytest.approx(expected, abs=1e-5)
    assert ("labels" in found) == (made.case.task in ("classification", "multilabel"))
    assert cli("evaluate", model, "--data", str(made.data)).status == 0


def test_probabilities_and_lists(made, cli, tmp_path):
    out = tmp_path / "out.jsonl"
    done = cli("predict", made.run, "--input", str(made.data), "--output", str(out), "--probabilities")
    if made.case.task in ("regression", "similarity"):
        assert done.status == 2
        assert "predicts a score for each text, and no probabilities" in done.err
        return
    assert done.status == 0, done.err
    row = json.loads(out.read_text().splitlines()[0])
    assert {f"probability_{name}" for name in SOUNDS} <= row.keys()
    assert isinstance(row["predicted"], list if made.case.task == "multilabel" else str)


def test_encode(made, cli, tmp_path):
    out = tmp_path / "out.npy"
    done = cli("encode", made.run, "--input", str(made.data), "--output", str(out))
    assert done.status == 0, done.err
    assert len(np.load(out)) == 60


def test_refit(made, cli):
    done = cli("refit", "s")
    if made.solved:
        assert done.status == 0, done.err
        assert "is fitted on all training rows" in done.err
        done = cli("refit", "s", "--with-validation")
        assert done.status == 0, done.err
    else:
        assert done.status == 2
        assert "nothing is trained" in done.err


def test_export_is_read_back(made, cli, tmp_path):
    folder = tmp_path / "exported"
    done = cli("export", made.run, "--to", "torch", "--output", str(folder))
    if made.case.siamese:
        assert done.status == 2
        assert "(pairs=siamese); --vectors exports what makes each of them" in done.err
        done = cli("export", made.run, "--to", "torch", "--output", str(folder), "--vectors")
    assert done.status == 0, done.err
    assert "proven by its" in done.out
    if made.case.siamese or made.case.task == "similarity":
        done = cli("encode", str(folder), "--input", str(made.data), "--output", str(tmp_path / "out.npy"))
        assert done.status == 0, done.err
        return
    both = []
    for model in (made.run, str(folder)):
        done = cli("evaluate", model, "--data", str(made.data), "--json")
        assert done.status == 0, done.err
        both.append(json.loads(done.out)["metrics"])
    assert {n: one["value"] for n, one in both[0].items()} == pytest.approx(
        {n: one["value"] for n, one in both[1].items()}, rel=1e-4, abs=1e-6
    )


def test_explain(made, cli):
    pair = ["--text-pair", "woof"] if made.case.paired else []
    done = cli("explain", made.run, "--text", "meow woof", *pair)
    assert done.status == 0, done.err
    assert "predicted" in done.out
    done = cli("explain", made.run, "--text", "meow woof", *pair, "--label", "cat")
    if made.case.task in ("regression", "similarity"):
        assert done.status == 2
        assert "has no labels" in done.err
    else:
        assert "probability of cat" in done.out


def test_python(made):
    from poolsweep import load

    model = load(made.run)
    found = model.predict(["meow"], ["woof"] if made.case.paired else None)
    kind = {"classification": str, "multilabel": list}.get(made.case.task, np.floating)
    assert isinstance(found[0], kind)

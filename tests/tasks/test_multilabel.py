"""Several labels a text: however they are written they are the same run, and a run's files say what it measured."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score
from sklearn.preprocessing import MultiLabelBinarizer

WORDS = {"joy": "glad", "fear, mild": "afraid", "anger": "cross"}


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, list[str]]]:
    random = np.random.default_rng(0)
    found = []
    for i in range(120):
        labels = [name for name, share in zip(WORDS, (0.5, 0.3, 0.15), strict=True) if random.random() < share]
        said = " ".join(WORDS[name] for name in labels if random.random() < 0.9)
        found.append((f"on day {i} i was {said or 'calm'}", labels))
    return found


def joined(rows, folder: Path) -> list[str]:
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, "|".join(labels) or "[]") for t, labels in rows)])
    return [f"data.train={folder / 'rows.csv'}"]


def listed(rows, folder: Path) -> list[str]:
    lines = [json.dumps({"text": text, "label": labels}) for text, labels in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return [f"data.train={folder / 'rows.jsonl'}"]


def in_parquet(rows, folder: Path) -> list[str]:
    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"text": list(texts), "label": list(labels)}), folder / "rows.parquet")
    return [f"data.train={folder / 'rows.parquet'}"]


def by_column(rows, folder: Path) -> list[str]:
    names = sorted(WORDS)
    with (folder / "rows.csv").open("w", newline="") as file:
        marks = [(text, *(int(name in labels) for name in names)) for text, labels in rows]
        csv.writer(file).writerows([("text", *names), *marks])
    return [f"data.train={folder / 'rows.csv'}", f"data.label={json.dumps(names)}"]


def result_of(outputs: Path, study: str) -> tuple[Path, dict]:
    (path,) = (outputs / study).glob("*/result.json")
    return path.parent, json.loads(path.read_text())


SHORT = ["data=files", "task=multilabel", "encoder=tiny", "encoder.frozen=true", "trainer.accelerator=cpu"]


@pytest.mark.parametrize("written", [joined, listed, in_parquet, by_column])
def test_labels_may_be_written_in_four_ways(cli, outputs, rows, tmp_path, written):
    done = cli("train", *SHORT, *written(rows, tmp_path), "trainer=probe", "study=a", "metrics=[f1_micro,roc_auc]")
    assert done.status == 0, done.err
    assert ("'|' separates the labels of a text" in done.err + done.out) == (written is joined)
    folder, result = result_of(outputs, "a")
    assert json.loads((folder / "labels.json").read_text())["labels"] == {"anger": 0, "fear, mild": 1, "joy": 2}
    for split in ("validation", "test"):
        table = pq.read_table(folder / f"predictions-{split}.parquet").to_pydict()
        assert [sorted(rows[i][1]) for i in table["row_id"]] == table["label"]
    assert set(result["metrics"]) == {
        f"{split}/{m}" for split in ("val", "test") for m in ("f1_micro", "roc_auc", "loss")
    }


@pytest.mark.parametrize("trainer", ["probe", "default"])
@pytest.mark.parametrize("thresholds", ["0.5", "fitted", "{joy: 0.3}"])
def test_metrics_are_scikit_learns_of_the_predictions_files(cli, outputs, rows, tmp_path, trainer, thresholds):
    options = [
        f"trainer={trainer}",
        f"task.thresholds={thresholds}",
        "metrics=[f1_macro,f1_micro,subset_accuracy,mean_average_precision,roc_auc]",
    ]
    options += [] if trainer == "probe" else ["trainer.max_epochs=2", "trainer.accelerator=cpu"]
    done = cli("train", *SHORT, *joined(rows, tmp_path), *options, "study=b")
    assert done.status == 0, done.err
    folder, result = result_of(outputs, "b")
    contract = json.loads((folder / "labels.json").read_text())
    assert (contract["thresholds"] != [0.5] * 3) == (thresholds != "0.5")
    binary = MultiLabelBinarizer(classes=list(contract["labels"]))
    for split, prefix in (("validation", "val"), ("test", "test")):
        table = pq.read_table(folder / f"predictions-{split}.parquet").to_pydict()
        has, said = binary.fit_transform(table["label"]), binary.fit_transform(table["predicted"])
        probabilities = np.array(table["probabilities"], dtype=np.float32)
        assert (said == (probabilities >= np.array(contract["thresholds"], np.float32))).all()
        expected = {
            "f1_macro": f1_score(has, said, average="macro", zero_division=0),
            "f1_micro": f1_score(has, said, average="micro", zero_division=0),
            "subset_accuracy": accuracy_score(has, said),
            "mean_average_precision": average_precision_score(has, probabilities, average="macro"),
            "roc_auc": roc_auc_score(has, probabilities, average="macro"),
        }
        for name, value in expected.items():
            assert result["metrics"][f"{prefix}/{name}"] == pytest.approx(value, abs=1e-6), (split, name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["loss=cross_entropy"], "loss=cross_entropy is none for task=multilabel; valid: binary_cross_entropy"),
        (["+loss.weight=[1,2]"], "loss.pos_weight=balanced, or by name, weighs the texts that have a label"),
        (["loss.pos_weight={jo: 2}"], "loss.pos_weight names no label 'jo'; did you mean joy?"),
        (["task.thresholds={jo: 0.5}"], "task.thresholds names no label 'jo'; did you mean joy?"),
        (["task.thresholds=2"], "task.thresholds must be a number from 0 to 1"),
        (["task.separator=7"], "task.separator must be"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_line(cli, rows, tmp_path, options, said):
    done = cli("train", *SHORT, *joined(rows, tmp_path), *options)
    assert done.status == 2
    assert said in done.err


def test_a_missing_label_is_named_with_what_to_write(cli, rows, tmp_path):
    joined([*rows[:20], ("nothing said", [])], tmp_path)
    path = tmp_path / "rows.csv"
    path.write_text(path.read_text().replace("nothing said,[]", "nothing said,"))
    done = cli("train", *SHORT, f"data.train={path}")
    assert done.status == 2
    assert "empty label in row 21; a text without labels is written []" in done.err


def test_a_column_of_0_and_1_holds_nothing_else(cli, rows, tmp_path):
    by_column(rows, tmp_path)
    path = tmp_path / "rows.csv"
    path.write_text(path.read_text().replace(",1\n", ",yes\n", 1))
    done = cli("train", *SHORT, f"data.train={path}", f"data.label={json.dumps(sorted(WORDS))}")
    assert done.status == 2
    assert "column 'joy' must hold 0 or 1, whether a text has this label, got 'yes' in row" in done.err

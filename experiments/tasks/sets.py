"""One command a data set with shipped defaults, held against scikit-learn and scipy.

    python experiments/tasks/sets.py cola DATA mrpc DATA mrpc_siamese DATA …

DATA holds a folder of each name, with csv files. Each set runs a frozen MiniLM with `trainer=probe`, without bootstrap
samples. Two things are compared. Every metric of `result.json` is computed anew from the predictions file, by
scikit-learn or scipy. And scikit-learn's own head is fitted at the penalty that was chosen, on the vectors that
`poolsweep.load(RUN).encode` gives, standardised. Appends a row per pooling to sets.csv, in points (× 100).
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

import poolsweep
from poolsweep.cli import main
from poolsweep.report.results import load_results


@dataclass(frozen=True)
class Case:
    """A data set: its folder, what is typed beside it, and what the task is."""

    folder: str
    overrides: tuple[str, ...] = ()
    task: str = "classification"
    siamese: bool = False


PAIR = "data.text_pair=text_pair"
CASES = {
    "cola": Case("cola"),
    "banking77": Case("banking77"),
    "ag_news_10k": Case("ag_news_10k"),
    "goemotions": Case("goemotions", (), "multilabel"),
    "mrpc": Case("mrpc", (PAIR,)),
    "mrpc_siamese": Case("mrpc", (PAIR, "pairs=siamese"), siamese=True),
    "stsb": Case("stsb", (PAIR, "task=regression"), "regression"),
    "stsb_siamese": Case("stsb", (PAIR, "task=regression", "pairs=siamese"), "regression", siamese=True),
}


def recomputed(task: str, table: dict, names: list[str]) -> dict[str, float]:
    """The metrics of a predictions file by the libraries that define them."""
    truth, said = table["label"], table["predicted"]
    if task == "regression":
        error = np.subtract(said, truth)
        return {"pearson": float(stats.pearsonr(truth, said)[0]), "spearman": float(stats.spearmanr(truth, said)[0]),
                "mae": float(np.abs(error).mean()), "rmse": float((error**2).mean() ** 0.5)}  # fmt: skip
    if task == "multilabel":
        binary = MultiLabelBinarizer(classes=names)
        y, z = binary.fit_transform(truth), binary.transform(said)
        chances = np.array(table["probabilities"], dtype=np.float32)
        return {"f1_micro": metrics.f1_score(y, z, average="micro"),
                "f1_macro": metrics.f1_score(y, z, average="macro", zero_division=0),
                "subset_accuracy": metrics.accuracy_score(y, z),
                "mean_average_precision": metrics.average_precision_score(y, chances, average="macro")}  # fmt: skip
    return {"accuracy": metrics.accuracy_score(truth, said), "f1_macro": metrics.f1_score(truth, said, average="macro"),
            "mcc": metrics.matthews_corrcoef(truth, said)}  # fmt: skip


def largest_gap(case: Case, folder: Path, result: dict) -> float:
    """How far the recorded metrics are from those of the libraries."""
    content = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    names = list(content.get("labels", content))
    gaps = []
    for split, short in (("validation", "val"), ("test", "test")):
        table = pq.read_table(folder / f"predictions-{split}.parquet").to_pydict()
        found = recomputed(case.task, table, names)
        gaps += [abs(found[name] - result["metrics"][f"{short}/{name}"]) for name in found]
    return max(gaps)


def vectors(model: poolsweep.TrainedModel, rows: list[dict[str, str]], *, siamese: bool) -> np.ndarray:
    """What the head reads of each row, before it is standardised."""
    texts = [row["text"] for row in rows]
    if "text_pair" not in rows[0]:
        return model.encode(texts)
    others = [row["text_pair"] for row in rows]
    if not siamese:
        return model.encode(texts, others)
    u, v = model.encode(texts), model.encode(others)
    return np.concatenate([u, v, np.abs(u - v)], axis=1)


def peer(case: Case, folder: Path, result: dict, splits: dict[str, list[dict[str, str]]]) -> float:
    """The first metric of scikit-learn's head on the test rows."""
    model = poolsweep.load(folder)
    train, test = (vectors(model, splits[name], siamese=case.siamese).astype(np.float64) for name in ("train", "test"))
    varies = train.std(axis=0) > 1e-8
    mean, std = train[:, varies].mean(axis=0), train[:, varies].std(axis=0)
    train, test = ((part[:, varies] - mean) / std for part in (train, test))
    targets, wanted = ([row["label"] for row in splits[name]] for name in ("train", "test"))
    rows, penalty = len(train), result["penalty"]
    if case.task == "regression":
        scores = np.array(targets, float)
        head = Ridge(alpha=penalty * rows).fit(train, scores)
        return float(stats.pearsonr(np.array(wanted, float), head.predict(test))[0])
    two = case.task == "classification" and len(set(targets)) == 2  # it then penalises the difference of both weights
    logistic = LogisticRegression(C=(2 if two else 1) / (penalty * rows), max_iter=2000)
    if case.task == "multilabel":
        binary = MultiLabelBinarizer()
        marks = binary.fit_transform([row.split("|") for row in targets])
        said = OneVsRestClassifier(logistic).fit(train, marks).predict(test)
        return metrics.f1_score(binary.transform([row.split("|") for row in wanted]), said, average="micro")
    return metrics.accuracy_score(wanted, logistic.fit(train, targets).predict(test))


def run(name: str, data: Path, poolings: str) -> list[dict[str, object]]:
    """One row per pooling."""
    case = CASES[name]
    files = {split: data / case.folder / f"{split}.csv" for split in ("train", "validation", "test")}
    given = [f"data.{split}={path}" for split, path in files.items() if path.is_file()]
    with tempfile.TemporaryDirectory() as scratch:
        status = main(
            ["train", "-m", "data=files", *given, *case.overrides, "encoder=minilm", "encoder.frozen=true",
             "trainer=probe", "trainer.bootstrap=false", f"pooling={poolings}", "study=s", f"output_root={scratch}"]
        )  # fmt: skip
        assert status == 0
        rows = []
        for result in load_results(Path(scratch) / "s"):
            folder, first = Path(scratch) / "s" / result["run_id"], result["measured"][0]
            splits = _splits(folder, files)
            rows.append({
                "set": name, "pooling": result["pooling"], "metric": first, "penalty": result["penalty"],
                "poolsweep": round(100 * result["metrics"][f"test/{first}"], 2),
                "scikit-learn": round(100 * peer(case, folder, result, splits), 2),
                "metrics differ by": f"{largest_gap(case, folder, result):.0e}",
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def _splits(folder: Path, files: dict[str, Path]) -> dict[str, list[dict[str, str]]]:
    """The rows of train and test as the run had them: what was split off the training file is told by row ids."""
    train, away = _read(files["train"]), set()
    ids = {}
    for split in ("validation", "test"):
        ids[split] = pq.read_table(folder / f"predictions-{split}.parquet").column("row_id").to_pylist()
        away |= set() if files[split].is_file() else set(ids[split])
    test = _read(files["test"]) if files["test"].is_file() else train
    return {
        "train": [row for i, row in enumerate(train) if i not in away],
        "test": [test[i] for i in ids["test"]],
    }


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    poolings = "cls,pooler,masked_mean,last4_concat"
    path = Path(__file__).parent / "sets.csv"
    for name, data in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        table = run(name, Path(data), poolings if name not in {"goemotions", "banking77"} else "cls,masked_mean")
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, table[0].keys())
            if is_new:
                writer.writeheader()
            writer.writerows(table)

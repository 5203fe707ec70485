"""Are the probes of a frozen MiniLM those of scikit-learn on the same vectors?

    python experiments/tasks/probes.py stsb stsb

The second argument is a folder with train.csv, validation.csv and test.csv. poolsweep runs the shipped defaults of
`encoder.frozen=true trainer=probe`, without bootstrap samples, for four poolings. The peer reads MiniLM by
transformers, pools with torch, standardises, fits scikit-learn's estimator for each penalty and keeps the best on
validation. Prints a row per pooling, in points (× 100).

Three dimensions of MiniLM's last layer have a weight of 1e-9 or less in its layer norm. poolsweep leaves dimensions
that vary by less than 1e-8 at 0, so that half precision and exports stay safe; scikit-learn's scaler blows them up. The
peer is shown without these dimensions, on the vectors that poolsweep's head reads, and with all.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import StandardScaler
from transformers import AutoTokenizer, BertModel

from poolsweep.cli import main
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.report.results import load_results

SPLITS, PENALTIES = ("train", "validation", "test"), [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]


@dataclass(frozen=True)
class Case:
    """What a data set needs of both programs; a metric is called with truth and prediction."""

    metric: str
    targets: Callable[[list[str]], np.ndarray]
    estimator: Callable[[float, int], Ridge | LogisticRegression]
    measure: Callable[[np.ndarray, np.ndarray], float]
    overrides: tuple[str, ...]


CASES = {
    "stsb": Case(
        "pearson", lambda column: np.array(column, float), lambda penalty, rows: Ridge(alpha=penalty * rows),
        lambda y, z: float(stats.pearsonr(y, z)[0]), ("task=regression", "data.text_pair=text_pair"),
    ),
    "mrpc": Case(
        "accuracy", np.array, lambda penalty, rows: LogisticRegression(C=2 / (penalty * rows), max_iter=10_000),
        lambda y, z: float(accuracy_score(y, z)), ("data.text_pair=text_pair",),
    ),
    "cola": Case(
        "accuracy", np.array, lambda penalty, rows: LogisticRegression(C=2 / (penalty * rows), max_iter=10_000),
        lambda y, z: float(accuracy_score(y, z)), (),
    ),
}  # fmt: skip


def pooled(rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """Four poolings of each text or pair, computed with transformers and torch alone."""
    tokenizer = AutoTokenizer.from_pretrained(embedded_folder())
    model = BertModel.from_pretrained(embedded_folder(), dtype=torch.float32, add_pooling_layer=False).eval()
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]["text"]) - len(rows[i].get("text_pair", "")))
    found: dict[str, list[np.ndarray]] = {"cls": [], "masked_mean": [], "max": [], "first_last_mean": []}
    for start in range(0, len(rows), 128):
        part = [rows[i] for i in order[start : start + 128]]
        pairs = [row["text_pair"] for row in part] if "text_pair" in part[0] else None
        texts = tokenizer([row["text"] for row in part], pairs, truncation=True, padding=True, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**texts, output_hidden_states=True).hidden_states
        mask = texts["attention_mask"][..., None].bool()

        def mean(states: torch.Tensor, mask: torch.Tensor = mask) -> np.ndarray:
            return (states.masked_fill(~mask, 0).sum(dim=1) / mask.sum(dim=1)).numpy()

        found["cls"].append(hidden[-1][:, 0].numpy())
        found["masked_mean"].append(mean(hidden[-1]))
        found["max"].append(hidden[-1].masked_fill(~mask, -torch.inf).amax(dim=1).numpy())
        found["first_last_mean"].append(mean((hidden[1] + hidden[-1]) / 2))
    back = np.argsort(order)
    return {name: np.concatenate(parts)[back] for name, parts in found.items()}


def fitted(case: Case, vectors: dict[str, np.ndarray], targets: dict[str, np.ndarray]) -> tuple[float, float]:
    """Penalty and test metric of scikit-learn's best on validation."""
    scaler = StandardScaler().fit(vectors["train"])
    scaled = {split: scaler.transform(vectors[split]) for split in SPLITS}
    tried = {}
    for penalty in PENALTIES:
        model = case.estimator(penalty, len(targets["train"])).fit(scaled["train"], targets["train"])
        tried[penalty] = model, case.measure(targets["validation"], model.predict(scaled["validation"]))
    best = max(tried, key=lambda penalty: tried[penalty][1])
    return best, case.measure(targets["test"], tried[best][0].predict(scaled["test"]))


def peers(case: Case, rows: dict[str, list[dict[str, str]]]) -> dict[str, tuple[float, float, float]]:
    """Pooling → penalty and test metric on dimensions that vary, and test metric on all."""
    vectors = {split: pooled(rows[split]) for split in SPLITS}
    targets = {split: case.targets([row["label"] for row in rows[split]]) for split in SPLITS}
    found = {}
    for name in vectors["train"]:
        whole = {split: vectors[split][name].astype(np.float64) for split in SPLITS}
        varies = whole["train"].std(axis=0) > 1e-8
        found[name] = (
            *fitted(case, {k: v[:, varies] for k, v in whole.items()}, targets),
            fitted(case, whole, targets)[1],
        )
    return found


def run(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """One row per pooling."""
    case, folder = CASES[arguments.case], Path(arguments.folder)
    rows = {}
    for split in SPLITS:
        with (folder / f"{split}.csv").open(newline="", encoding="utf-8") as file:
            rows[split] = list(csv.DictReader(file))
    theirs = peers(case, rows)
    with tempfile.TemporaryDirectory() as scratch:
        status = main(
            ["train", "-m", "data=files", *(f"data.{split}={folder / split}.csv" for split in SPLITS), *case.overrides,
             "encoder=minilm", "encoder.frozen=true", "trainer=probe", "trainer.bootstrap=false", "study=s",
             f"pooling={','.join(theirs)}", f"metrics=[{case.metric}]", f"output_root={scratch}"]
        )  # fmt: skip
        assert status == 0
        ours = {result["pooling"]: result for result in load_results(Path(scratch) / "s")}
    found = {name: 100 * result["metrics"][f"test/{case.metric}"] for name, result in ours.items()}
    return [
        {"data": arguments.case, "metric": case.metric, "pooling": name,
         "poolsweep": round(found[name], 2), "scikit-learn": round(100 * score, 2),
         "scikit-learn, all dimensions": round(100 * whole, 2),
         "penalty": ours[name]["penalty"], "penalty of scikit-learn": penalty}
        for name, (penalty, score, whole) in theirs.items()
    ]  # fmt: skip


def command() -> None:
    """Print the rows as csv, and write them beside the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder")
    warnings.simplefilter("error")
    rows = run(arguments := parser.parse_args())
    target = Path(__file__).with_name(f"probes-{arguments.case}.csv")
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    command()

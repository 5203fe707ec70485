"""Do the frozen numbers agree with scikit-learn's, on vectors that sentence-transformers took alone?

    python experiments/atlas/agree.py DATA [SET …]

sentence-transformers reads MiniLM's folder and takes the mean of its tokens. scikit-learn standardises the vectors,
fits a logistic regression for each penalty, and keeps the best on validation. poolsweep runs `pooling=masked_mean` with
its defaults and all training rows (`trainer.bootstrap=false`). The splits are the same: rows that poolsweep split off
are known by their ids. Writes results/agree.csv, in points; the status is 1 if a set is off by more than 0.7.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from collect import read, write
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from sets import SPLITS, DataSet, data_sets
from sklearn.linear_model import LogisticRegression

from poolsweep.cli import main
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.report.results import load_results

SETS = ("trec6", "sst2_sent", "mr", "subj", "banking77")
PENALTIES = (10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
OUTPUTS = Path(os.environ.get("POOLSWEEP_OUTPUTS", "outputs"))
MOST = 0.7


def ours(found: DataSet, data: Path) -> tuple[float, Path]:
    """Test accuracy of poolsweep, and the folder of its run."""
    study = f"atlas-agree-{found.name}"
    fixed = ["encoder=minilm", "encoder.frozen=true", "trainer=probe", "trainer.bootstrap=false", "pooling=masked_mean"]
    if status := main(["train", "-m", *found.overrides(data), *fixed, f"study={study}", f"output_root={OUTPUTS}"]):
        sys.exit(status)
    [result] = load_results(OUTPUTS / study)
    return 100 * result["metrics"]["test/accuracy"], OUTPUTS / study / result["run_id"]


def rows(found: DataSet, data: Path, run: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Split → texts and labels, as the run had them."""
    files = {}
    for split, name in found.files.items():
        with (data / name).open(newline="", encoding="utf-8") as file:
            files[split] = [(line["text"], line["label"]) for line in csv.DictReader(file)]
    if "validation" not in files:
        ids = pq.read_table(run / "predictions-validation.parquet", columns=["row_id"])["row_id"].to_pylist()
        files["validation"] = [files["train"][i] for i in ids]
        files["train"] = [row for i, row in enumerate(files["train"]) if i not in set(ids)]
    return {split: ([text for text, _ in files[split]], [label for _, label in files[split]]) for split in SPLITS}


def theirs(splits: dict[str, tuple[list[str], list[str]]]) -> float:
    """Test accuracy of scikit-learn's best on validation."""
    transformer = Transformer(str(embedded_folder()), max_seq_length=128)
    model = SentenceTransformer(modules=[transformer, Pooling(384, pooling_mode="mean")], device="cpu")
    vectors = {split: model.encode(texts).astype(np.float64) for split, (texts, _) in splits.items()}
    varies = vectors["train"].std(axis=0) > 1e-8  # three dimensions of MiniLM's last layer do not
    mean, std = vectors["train"][:, varies].mean(axis=0), vectors["train"][:, varies].std(axis=0)
    scaled = {split: (found[:, varies] - mean) / std for split, found in vectors.items()}
    labels = {split: found for split, (_, found) in splits.items()}
    two = len(set(labels["train"])) == 2  # scikit-learn then penalises the difference of both weights
    tried = []
    for penalty in PENALTIES:
        head = LogisticRegression(C=(2 if two else 1) / (penalty * len(labels["train"])), max_iter=2000)
        head.fit(scaled["train"], labels["train"])
        tried.append(
            (head.score(scaled["validation"], labels["validation"]), head.score(scaled["test"], labels["test"]))
        )
    return 100 * max(tried, key=lambda one: one[0])[1]


def compare(name: str, data: Path) -> list[object]:
    """The line of a set."""
    found = data_sets()[name]
    mine, run = ours(found, data)
    peer = theirs(rows(found, data, run))
    return [name, f"{mine:.2f}", f"{peer:.2f}", f"{mine - peer:z.2f}"]


if __name__ == "__main__":
    folder, names = Path(sys.argv[1]), sys.argv[2:] or SETS
    lines = {line["set"]: list(line.values()) for line in read("agree.csv")}
    for wanted in names:
        lines[wanted] = compare(wanted, folder)
        print(lines[wanted], flush=True)
        write("agree.csv", ("set", "poolsweep", "scikit-learn", "difference"), lines.values())
    sys.exit(any(abs(float(line[-1])) > MOST for line in lines.values()))

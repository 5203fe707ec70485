"""Are the heads trained to the end? Compares frozen poolsweep runs with scikit-learn on the same pooled features.

    python experiments/heads/compare.py trec6/train.csv trec6/test.csv

Trains the four poolings of the BERT literature over three seeds with `poolsweep train -m`, then fits a standardised
LogisticRegression, its C chosen on validation, to the very vectors that the runs read.
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from poolsweep.cli import main
from poolsweep.conf_dir import conf_dir
from poolsweep.config import resolve
from poolsweep.report.results import load_results
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.fit import TrainingRun
from poolsweep.training.job import checked

POOLINGS = ("cls", "pooler", "masked_mean", "last4_concat")
STUDY = "heads"


def features(overrides: list[str], *, outputs: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Split name → pooled vectors (N, D) and label ids (N,), exactly as a run reads them."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = resolve(compose("train", overrides=["task=classification", *overrides]))
        prepared = checked(config)
    folder = RunFolder(outputs / ".compare")
    status = StatusFile(folder, name="compare", run_id="compare", lock=None)
    run = build(config, prepared, folder=folder, run_id="compare", status=status)
    assert isinstance(run, TrainingRun)
    found = {}
    with torch.no_grad():
        for name, rows in run.data.rows.items():
            batch = rows.__getitems__(range(len(rows)))  # type: ignore[attr-defined]
            found[name] = run.classifier.pool(batch).numpy(), batch.targets.numpy()
    return found


def logistic_regression(splits: dict[str, tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Test accuracy and the C that is best on validation."""
    scaler = StandardScaler().fit(splits["train"][0])
    scaled = {name: (scaler.transform(x), y) for name, (x, y) in splits.items()}
    fitted = {}
    for c in np.logspace(-3, 0, 7):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted[c] = LogisticRegression(C=c, max_iter=200).fit(*scaled["train"])
    best = max(fitted, key=lambda c: fitted[c].score(*scaled["validation"]))
    return fitted[best].score(*scaled["test"]), best


def compare(data: list[str], *, outputs: Path) -> list[dict[str, object]]:
    """One row per pooling of one data set."""
    fixed = [*data, "encoder.frozen=true", f"output_root={outputs}"]
    status = main(["train", "-m", *fixed, f"study={STUDY}", f"pooling={','.join(POOLINGS)}", "seed=0,1,2"])
    if status:
        sys.exit(status)
    rows = []
    for pooling in POOLINGS:
        peer, c = logistic_regression(features([*fixed, f"pooling={pooling}"], outputs=outputs))
        name = "icd10" if not data or data[0] == "data=icd10" else Path(data[1].split("=")[1]).parent.name
        found = [r for r in load_results(outputs / STUDY) if r["data"] == name and r["pooling"] == pooling]
        ours = mean(result["metrics"]["test/accuracy"] for result in found)
        rows.append(
            {
                "data": name, "pooling": pooling, "seeds": len(found), "poolsweep": round(ours, 4),
                "logistic_regression": round(peer, 4), "C": f"{c:.4g}", "difference": round(ours - peer, 4),
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    train, test = sys.argv[1:]
    root = Path("outputs")
    table = compare(["data=icd10"], outputs=root)
    table += compare(["data=files", f"data.train={train}", f"data.test={test}"], outputs=root)
    with (Path(__file__).parent / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys())
        writer.writeheader()
        writer.writerows(table)

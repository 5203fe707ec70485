"""Does poolsweep train as well as transformers' Trainer at equal hyperparameters?

    python experiments/trainer/compare.py ade/train.csv ade/test.csv

Fine-tunes MiniLM with the preset `pooler` and with transformers' Trainer over BertForSequenceClassification: same
rows, batch size, rates, decay, warm-up, clipping, epochs and seeds; prints both test accuracies per seed and Welch's
interval of the difference. The Trainer's test rows are poolsweep's.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev, variance

import numpy as np
import torch
from scipy import stats
from torch.utils.data import Dataset
from transformers import AutoTokenizer, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

from poolsweep.cli import main
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.report.results import load_results

RATE, BATCH, EPOCHS, DECAY, WARMUP, LENGTH = 5e-4, 32, 2, 0.01, 0.1, 128  # small sets ask for a high rate


class Rows(Dataset):
    """Tokenised rows of a csv file."""

    def __init__(self, path: Path, names: list[str], tokenizer) -> None:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.encoded = tokenizer([r["text"] for r in rows], truncation=True, max_length=LENGTH)
        self.labels = [names.index(r["label"]) for r in rows]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, object]:
        return {**{k: v[index] for k, v in self.encoded.items()}, "labels": self.labels[index]}


def first_rows(source: Path, target: Path, *, rows: int, seed: int = 0) -> list[str]:
    """Copy a random subset of a csv file; returns its label names, sorted."""
    with source.open(newline="") as file:
        reader = csv.DictReader(file)
        found = list(reader)
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))[:rows].tolist()
    chosen = [found[i] for i in order]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, chosen[0].keys())
        writer.writeheader()
        writer.writerows(chosen)
    return sorted({row["label"] for row in chosen})


def peer(train: Path, test: Path, names: list[str], *, seed: int, folder: Path) -> tuple[float, float]:
    """Test accuracy and training seconds of transformers' Trainer."""
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(embedded_folder())
    model = BertForSequenceClassification.from_pretrained(embedded_folder(), num_labels=len(names), dtype=torch.float32)
    arguments = TrainingArguments(
        folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, per_device_eval_batch_size=64,
        learning_rate=RATE, weight_decay=DECAY, warmup_steps=WARMUP, lr_scheduler_type="linear", max_grad_norm=1.0,
        seed=seed, report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
    )  # fmt: skip
    trainer = Trainer(model, arguments, train_dataset=Rows(train, names, tokenizer), processing_class=tokenizer)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    found = trainer.predict(Rows(test, names, tokenizer))
    return float((np.argmax(found.predictions, axis=1) == found.label_ids).mean()), seconds


def run(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """One row per seed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / Path(arguments.train).parent.name
        folder.mkdir()
        train, test = folder / "train.csv", folder / "test.csv"
        names = first_rows(Path(arguments.train), train, rows=arguments.rows)
        first_rows(Path(arguments.test), test, rows=arguments.test_rows)
        status = main(
            ["train", "-m", "data=files", f"data.train={train}", f"data.validation={test}", f"data.test={test}",
             "pooling=pooler", f"seed={arguments.seeds}", f"study={folder.name}-trainer", f"optimizer.lr={RATE}",
             f"optimizer.head_lr={RATE}", f"trainer.max_epochs={EPOCHS}", f"data.batch_size={BATCH}",
             f"output_root={scratch}/outputs", "callbacks=none",
             f"+trainer.check_val_every_n_epoch={EPOCHS}"]  # the last weights, as the Trainer's: nothing is selected
        )  # fmt: skip
        assert status == 0
        ours = {r["seed"]: r for r in load_results(Path(scratch) / "outputs" / f"{folder.name}-trainer")}
        rows = []
        for seed in sorted(ours):
            theirs, seconds = peer(train, test, names, seed=seed, folder=Path(scratch) / "trainer")
            rows.append(
                {
                    "data": folder.name, "rows": arguments.rows, "seed": seed,
                    "poolsweep": round(ours[seed]["metrics"]["test/accuracy"], 4), "trainer": round(theirs, 4),
                    "poolsweep_seconds": round(ours[seed]["train_seconds"], 1), "trainer_seconds": round(seconds, 1),
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def welch(ours: list[float], theirs: list[float]) -> str:
    """The difference of means and its 95% interval, variances apart."""
    a, b = variance(ours) / len(ours), variance(theirs) / len(theirs)
    degrees = (a + b) ** 2 / (a**2 / (len(ours) - 1) + b**2 / (len(theirs) - 1)) if a + b else 1.0
    half = stats.t.ppf(0.975, degrees) * math.sqrt(a + b)
    difference = mean(ours) - mean(theirs)
    return (
        f"poolsweep {mean(ours):.4f} (sd {stdev(ours):.4f}), Trainer {mean(theirs):.4f} (sd {stdev(theirs):.4f}), "
        f"difference {difference:+.4f}, 95% interval [{difference - half:+.4f}, {difference + half:+.4f}]"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--test-rows", type=int, default=600)
    parser.add_argument("--seeds", default="0,1,2")
    table = run(parser.parse_args())
    print(welch([r["poolsweep"] for r in table], [r["trainer"] for r in table]))
    path = Path(__file__).parent / "results.csv"
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys())
        if is_new:
            writer.writeheader()
        writer.writerows(table)

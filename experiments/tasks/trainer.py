"""Do a regression and a multilabel run agree with transformers' Trainer?

    python experiments/tasks/trainer.py stsb stsb/train.csv stsb/test.csv --seeds 0,1,2
    python experiments/tasks/trainer.py goemotions goemotions/train.csv goemotions/test.csv --seeds 0,1,2

Fine-tunes MiniLM with poolsweep and with the Trainer: a regression by the preset `pooler` and
BertForSequenceClassification, several labels by `masked_mean` and the same model with a mean in the pooler's place. The
same 4,000 rows, batch size, rates, decay, warm-up, clipping, epochs and seeds, the last weights of both. The Trainer's
scores are standardised as poolsweep's are. Prints the paired difference over seeds of each metric with its 95%
interval, in points. (At one rate of 2e-4, neither program learns 28 labels from 4,000 rows: no label reaches a
probability of a half, and micro-F1 is 0 for both. So heads have a rate of their own there.)
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score
from torch import nn
from torch.optim import AdamW
from torch.utils.data import Dataset
from transformers import AutoTokenizer, BertForSequenceClassification, BertModel, Trainer, TrainingArguments, set_seed

from poolsweep.cli import main
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.report.results import load_results

BATCH, DECAY, WARMUP, LENGTH = 32, 0.01, 0.1, 128


@dataclass(frozen=True)
class Case:
    """What a task needs of both programs."""

    task: str
    problem: str
    targets: Callable[[list[str], list[str]], np.ndarray]
    metrics: dict[str, Callable[[np.ndarray, np.ndarray], float]]
    pooling: str
    rate: float
    head_rate: float
    epochs: int
    overrides: tuple[str, ...] = ()


def _scores(column: list[str], training: list[str]) -> np.ndarray:
    known = np.array(training, float)
    return ((np.array(column, float) - known.mean()) / known.std()).astype(np.float32)


def _marks(column: list[str], training: list[str]) -> np.ndarray:
    names = sorted({name for row in training for name in row.split("|")})
    return np.array([[name in row.split("|") for name in names] for row in column], np.float32)


CASES = {
    "stsb": Case(
        "regression", "regression", _scores, {"pearson": lambda y, z: float(stats.pearsonr(y, z[:, 0])[0])},
        pooling="pooler", rate=2e-4, head_rate=2e-4, epochs=2, overrides=("data.text_pair=text_pair",),
    ),
    "goemotions": Case(
        "multilabel", "multi_label_classification", _marks,
        {"f1_micro": lambda y, z: float(f1_score(y, z > 0, average="micro")),
         "mean_average_precision": lambda y, z: float(average_precision_score(y, z, average="macro"))},
        pooling="masked_mean", rate=1e-4, head_rate=5e-3, epochs=3,
    ),
}  # fmt: skip


class MeanPooler(nn.Module):
    """Puts the mean of the real tokens in the pooler's place; a hook tells it which they are."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.mask = torch.empty(0)
        bert.register_forward_pre_hook(self._look, with_kwargs=True)

    def _look(self, _: nn.Module, args: tuple, options: dict) -> None:
        self.mask = options["attention_mask"] if "attention_mask" in options else args[1]

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The mean; states (B, L, D), returns (B, D)."""
        mask = self.mask[..., None].to(states.dtype)
        return (states * mask).sum(dim=1) / mask.sum(dim=1)


class Rows(Dataset):
    """Tokenised rows of a csv file, with their targets."""

    def __init__(self, rows: list[dict[str, str]], targets: np.ndarray, tokenizer) -> None:
        pairs = [row["text_pair"] for row in rows] if "text_pair" in rows[0] else None
        self.encoded = tokenizer([row["text"] for row in rows], pairs, truncation=True, max_length=LENGTH)
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict[str, object]:
        return {**{k: v[index] for k, v in self.encoded.items()}, "labels": self.targets[index]}


def some_rows(source: Path, target: Path, *, rows: int) -> list[dict[str, str]]:
    """Copy a random subset of a csv file."""
    with source.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(0))[:rows].tolist()
    chosen = [found[i] for i in order]
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, chosen[0].keys())
        writer.writeheader()
        writer.writerows(chosen)
    return chosen


def optimizer(model: BertForSequenceClassification, case: Case) -> AdamW:
    """The Trainer's, with a rate for the head; decay spares vectors."""
    groups = []
    for module, rate in ((model.bert, case.rate), (model.classifier, case.head_rate)):
        for decay, is_matrix in ((DECAY, True), (0.0, False)):
            members = [p for p in module.parameters() if (p.ndim > 1) is is_matrix]
            groups.append({"params": members, "lr": rate, "weight_decay": decay})
    return AdamW(groups)


def peer(case: Case, train: list[dict], test: list[dict], *, seed: int, folder: Path) -> dict[str, float]:
    """The Trainer's test metrics."""
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(embedded_folder())
    column = [row["label"] for row in train]
    targets, wanted = (case.targets([row["label"] for row in rows], column) for rows in (train, test))
    outputs = 1 if targets.ndim == 1 else targets.shape[1]
    model = BertForSequenceClassification.from_pretrained(
        embedded_folder(), num_labels=outputs, problem_type=case.problem, dtype=torch.float32
    )
    if case.pooling == "masked_mean":
        model.bert.register_module("pooler", MeanPooler(model.bert))
    arguments = TrainingArguments(
        folder, num_train_epochs=case.epochs, per_device_train_batch_size=BATCH, per_device_eval_batch_size=64,
        warmup_steps=WARMUP, lr_scheduler_type="linear", max_grad_norm=1.0,
        seed=seed, report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
    )  # fmt: skip
    trainer = Trainer(
        model, arguments, train_dataset=Rows(train, targets, tokenizer), processing_class=tokenizer,
        optimizers=(optimizer(model, case), None),
    )  # fmt: skip
    trainer.train()
    predicted = trainer.predict(Rows(test, wanted, tokenizer)).predictions
    return {name: measure(wanted, predicted) for name, measure in case.metrics.items()}


def run(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """One row per seed and metric."""
    case, study = CASES[arguments.case], f"trainer-{arguments.case}"
    with tempfile.TemporaryDirectory() as scratch:
        train, test = Path(scratch) / "train.csv", Path(scratch) / "test.csv"
        train_rows = some_rows(Path(arguments.train), train, rows=arguments.rows)
        test_rows = some_rows(Path(arguments.test), test, rows=10**9)
        status = main(
            ["train", "-m", "data=files", f"data.train={train}", f"data.validation={test}", f"data.test={test}",
             f"task={case.task}", f"metrics=[{','.join(case.metrics)}]", f"pooling={case.pooling}",
             f"seed={arguments.seeds}", f"study={study}", f"optimizer.lr={case.rate}",
             f"optimizer.head_lr={case.head_rate}",
             f"trainer.max_epochs={case.epochs}", f"data.batch_size={BATCH}", "callbacks=none",
             f"+trainer.check_val_every_n_epoch={case.epochs}", *case.overrides]
        )  # fmt: skip
        assert status == 0
        ours = {r["seed"]: r["metrics"] for r in load_results(Path("outputs") / study)}
        rows = []
        for seed in sorted(ours):
            theirs = peer(case, train_rows, test_rows, seed=seed, folder=Path(scratch) / "trainer")
            rows += [
                {"data": arguments.case, "metric": metric, "rows": len(train_rows), "seed": seed,
                 "poolsweep": round(ours[seed][f"test/{metric}"], 4), "trainer": round(value, 4)}
                for metric, value in theirs.items()
            ]  # fmt: skip
            print(*rows[-len(theirs) :], sep="\n", flush=True)
    return rows


def paired(rows: list[dict]) -> str:
    """The mean difference in points, with its 95% interval over seeds."""
    gaps = [100 * (row["poolsweep"] - row["trainer"]) for row in rows]
    half = stats.t.ppf(0.975, len(gaps) - 1) * stdev(gaps) / math.sqrt(len(gaps))
    return f"difference {mean(gaps):+.2f} points, 95% interval [{mean(gaps) - half:+.2f}, {mean(gaps) + half:+.2f}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=CASES)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seeds", default="0,1,2,3")
    table = run(parser.parse_args())
    for metric in CASES[table[0]["data"]].metrics:
        print(metric, paired([row for row in table if row["metric"] == metric]))
    path = Path(__file__).parent / "trainer.csv"
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0].keys())
        if is_new:
            writer.writeheader()
        writer.writerows(table)

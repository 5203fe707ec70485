"""Studies made of numbers: run folders as training leaves them, in milliseconds."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

PRESETS = ("cls", "pooler", "masked_mean", "max", "last4_concat", "cls_last4_concat", "last4_mean", "cls_last4_mean",
           "second_to_last_mean", "elmo", "first_last_mean", "self_attentive", "set_transformer", "sgpt", "bert_lstm",
           "bert_attention", "max_cls", "cls_attention", "all_weighted_sum", "generalized_pooling")  # fmt: skip


def write_run(
    study: Path, *, pooling: str, seed: int, data: str = "animals", encoder: str = "tiny", skill: float = 0.7,
    num_texts: int = 200, cut: int | None = None, labels: Sequence[str] = ("cat", "dog", "owl"), curve: bool = True,
    predictions: bool = True, config: Mapping[str, Any] | None = None, split: int = 0, says: str | None = None,
    facts_of_split: Mapping[str, Any] | None = None, **facts: Any,
) -> Path:  # fmt: skip
    """One finished run: texts have a difficulty that all runs share, seeds a luck of their own.

    Each ``split`` has texts of its own; ``says`` is the one label that is predicted, if it is one. ``facts`` overrides
    what ``result.json`` says; ``config`` is merged into ``config.yaml``; of the first ``cut`` texts it is recorded that
    they were truncated.
    """
    named = "/".join(
        map(
            str,
            (
                data,
                encoder,
                pooling,
                facts.get("setting"),
                facts.get("regime"),
                facts.get("rows_asked"),
                facts_of_split,
                seed,
                split,
            ),
        )
    )
    run_id = facts.pop("run_id", hashlib.sha256(named.encode()).hexdigest()[:12])
    folder = study / run_id
    folder.mkdir(parents=True)
    chance = np.random.default_rng([seed, len(pooling), *pooling.encode()])
    shared = np.random.default_rng([*data.encode(), *[split] * bool(split)])
    truth, difficulty = shared.integers(len(labels), size=num_texts), shared.normal(size=num_texts)
    luck = chance.normal() * 0.05
    right = chance.normal(size=num_texts) * 0.5 + difficulty + luck < 3 * (skill - 0.5)
    guess = np.where(right, truth, (truth + 1 + chance.integers(len(labels) - 1, size=num_texts)) % len(labels))
    guess = guess if says is None else np.full(num_texts, list(labels).index(says))
    sure = chance.uniform(0.4, 0.95, size=num_texts)
    spread = np.repeat(((1 - sure) / (len(labels) - 1))[:, None], len(labels), axis=1)
    spread[np.arange(num_texts), guess] = sure
    accuracy = float((guess == truth).mean())
    metrics = {"test/accuracy": accuracy, "test/f1_macro": _f1(truth, guess), "test/mcc": _mcc(truth, guess),
               "val/accuracy": max(accuracy - 0.01, 0), "val/f1_macro": max(accuracy - 0.02, 0),
               "val/loss": 1 - accuracy}  # fmt: skip
    result = {
        "schema_version": 1, "run_id": run_id, "name": f"pooling={pooling} seed={seed}", "study": study.name,
        "seed": seed, "data": data, "encoder": encoder, "frozen": True, "pooling": pooling, "regime": "frozen",
        "setting": "v", "monitor": "val/accuracy",
        "split": dict(facts_of_split or {"seed": split, "fold": None, "folds": None}),
        "task": "classification", "measured": ["accuracy", "f1_macro", "mcc"], "mode": "max", "labels": len(labels),
        "sizes": {"train": 800, "validation": 100, "test": num_texts}, "status": "finished", "seconds": 2.0 + seed,
        "hardware": {"accelerator": "cpu", "device": "x86_64"}, "git_commit": "a" * 40, "metrics": metrics,
        "best_epoch": 3, "epochs": 4, "steps": 40, "parameters": {"trained": 10 * len(pooling), "pooled_size": 4},
        "peak_memory_mib": {"process": 300.0 + len(pooling)}, "truncated_share": {"test": 0.0},
    } | facts  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    (folder / "status.json").write_text(json.dumps({"state": "finished", "name": result["name"]}), encoding="utf-8")
    content = {"seed": seed, "init_seed": seed, "data_seed": seed,
               "data": {"_target_": "nowhere.data", "split_seed": split}}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(content | dict(config or {})), encoding="utf-8")
    (folder / "labels.json").write_text(json.dumps({name: i for i, name in enumerate(labels)}), encoding="utf-8")
    if predictions:
        names = pa.array(list(labels), pa.string())
        flat = pa.FixedSizeListArray.from_arrays(spread.astype(np.float32).ravel(), len(labels))
        table = {"row_id": 1000 * split + np.arange(num_texts), "label": names.take(pa.array(truth)),
                 "predicted": names.take(pa.array(guess)), "probabilities": flat}  # fmt: skip
        if cut is not None:
            table |= {"tokens": 3 + np.arange(num_texts) % 20, "truncated": np.arange(num_texts) < cut}
        pq.write_table(pa.table(table), folder / "predictions-test.parquet")
    if curve:
        with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["step", "epoch", "train/loss", "val/accuracy", "val/f1_macro"])
            for epoch in range(4):
                value = accuracy - 0.1 / (1 + epoch)
                writer.writerow([10 * epoch + 9, epoch, 1 / (1 + epoch), "", ""])
                writer.writerow([10 * epoch + 9, epoch, "", value, value])
    return folder


def write_study(
    folder: Path, *, poolings: Sequence[str] = PRESETS[:4], seeds: Sequence[int] = (0, 1, 2),
    data: Sequence[str] = ("animals",), **more: Any,
) -> Path:  # fmt: skip
    """A study whose poolings differ in skill by their order, ``cls`` the worst."""
    for place, pooling in enumerate(poolings):
        for name in data:
            for seed in seeds:
                write_run(folder, pooling=pooling, seed=seed, data=name, skill=0.6 + 0.02 * place, **more)
    return folder


def _f1(truth: np.ndarray, guess: np.ndarray) -> float:
    scores = []
    for label in np.union1d(truth, guess):
        both = np.sum((truth == label) & (guess == label))
        scores.append(2 * both / (np.sum(truth == label) + np.sum(guess == label)))
    return float(np.mean(scores))


def _mcc(truth: np.ndarray, guess: np.ndarray) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(truth, guess)) if len(np.union1d(truth, guess)) > 1 else 0.0

"""Races whose runs are made of numbers, so that many can be watched; one real race is in test_command.py."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poolsweep.launch.launcher import Job
from poolsweep.report.contender_key import ContenderKey
from poolsweep.runs.folder import RunFolder
from poolsweep.sweep.plan import SweepPlan
from poolsweep.sweep.race.driver import Race
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.sweep.race.settings import SeedGrid, Setting

NUM_TEXTS = 400
OPTIONS = RaceOptions(min_seeds=2, level=0.99, metric="accuracy", keep=())
FIELD = {"good": 0.9, "also": 0.9, "near": 0.89, "bad": 0.6, "worse": 0.5}


class Numbers:
    """A launcher that writes run folders: right answers by a pooling's accuracy, noise by its seed."""

    def __init__(self, folders: dict[str, RunFolder], accuracy: dict[str, float]) -> None:
        self.folders = folders
        self.accuracy = accuracy
        self.batches: list[list[str]] = []
        self.failing: set[str] = set()
        self.dies_at: str | None = None

    def launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> None:
        self.batches.append([" ".join(job) for job in jobs])
        for name in self.batches[-1]:
            if name == self.dies_at:
                raise KeyboardInterrupt
            self.write(name)

    @property
    def launched(self) -> list[str]:
        return [name for batch in self.batches for name in batch]

    def write(self, name: str) -> None:
        folder = self.folders[name]
        words = dict(word.split("=") for word in name.split())
        folder.path.mkdir(parents=True, exist_ok=True)
        facts = {
            "run_id": folder.path.name, "name": name, "seed": int(words["seed"]), "data": words.get("data", "animals"),
            "encoder": "tiny", "pooling": words["pooling"], "regime": "probe", "task": "classification",
            "setting": words.get("lr", "v"), "monitor": "val/accuracy", "mode": "max", "seconds": 1.0,
            "sizes": {"train": 1000, "validation": NUM_TEXTS, "test": NUM_TEXTS},
            "parameters": {"trained": 10, "pooled_size": 4}, "status": "failed" if name in self.failing else "finished",
        }  # fmt: skip
        metrics = {}
        for split, prefix in (("validation", "val"), ("test", "test")):
            right = self._answers(words, split)
            metrics[f"{prefix}/accuracy"] = float(right.mean())
            table = {"row_id": np.arange(NUM_TEXTS), "label": ["a"] * NUM_TEXTS, "predicted": np.where(right, "a", "b")}
            pq.write_table(pa.table(table), folder.predictions(split))
        folder.labels.write_text(json.dumps({"a": 0, "b": 1}))
        folder.result.write_text(json.dumps(facts | {"metrics": metrics}))

    def _answers(self, words: dict[str, str], split: str) -> np.ndarray:
        """A text's ease is shared by all runs; the accuracy of a pooling moves by half a point with the seed."""
        ease = np.random.default_rng(zlib.crc32(split.encode())).random(NUM_TEXTS)
        chance = np.random.default_rng(zlib.crc32(" ".join(sorted(words.values())).encode()))
        key = words["pooling"] + words.get("lr", "")
        return ease + 0.02 * chance.standard_normal(NUM_TEXTS) < self.accuracy[key] + 0.005 * chance.standard_normal()


def numbered_race(
    outputs: Path, accuracy: dict[str, float], *, options: RaceOptions, seeds: int, lrs: Sequence[str]
) -> tuple[Race, Numbers]:
    """A race over named accuracies."""
    poolings = list(dict.fromkeys(key.rstrip("0123456789") for key in accuracy)) if lrs else list(accuracy)
    settings, runs = [], {}
    for pooling in poolings:
        for lr in lrs or [""]:
            name = f"pooling={pooling}" + (f" lr={lr}" if lr else "")
            typed = {seed: f"{name} seed={seed}" for seed in range(seeds)}
            folders = {s: RunFolder(outputs / "s" / f"{zlib.crc32(t.encode()):012x}") for s, t in typed.items()}
            config: Any = SimpleNamespace(loggers={})  # all that is read of one
            jobs = {s: Job(folders[s], config, text, tuple(text.split())) for s, text in typed.items()}
            settings.append(Setting(name, ContenderKey("tiny", pooling, "probe"), jobs))
            runs |= {job.folder: job for job in jobs.values()}
    grid = SeedGrid(tuple(settings), tuple(f"seed={seed}" for seed in range(seeds)))
    launcher = Numbers({job.name: folder for folder, job in runs.items()}, accuracy)
    finished = {folder for folder in runs if folder.finished() is not None}
    plan = SweepPlan(jobs=dict(sorted(runs.items(), key=lambda item: item[1].name)), finished=finished)
    return Race(plan, grid, launcher=launcher, options=options), launcher  # type: ignore[arg-type]


def seeds_of(launcher: Numbers, pooling: str) -> list[int]:
    return [int(name.split("seed=")[1]) for name in launcher.launched if f"pooling={pooling} " in name]

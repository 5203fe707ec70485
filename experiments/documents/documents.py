"""Which way to read long documents? Joins news texts to documents and trains every chunk pooling on them.

    python experiments/documents/documents.py ag_news/train.csv ag_news/test.csv

Two sets are made: in `one` all texts of a document are of its label, in `mixed` two of five, in random order. Each
document has about 1,500 tokens of MiniLM. Every `pooling/chunks` is trained with `masked_mean` on the frozen encoder,
and of `mixed` fine-tuned for one epoch. results.csv has a row per run.
"""

from __future__ import annotations

import csv
import random
import sys
from collections import defaultdict
from pathlib import Path

from poolsweep.cli import main
from poolsweep.encoder.minilm import minilm
from poolsweep.report.results import load_results

CHUNKS = "truncate,first,mean,weighted,max,attention,tokens"
TOKENS = 1500
SHARE = 0.4  # of a mixed document's texts that are of its label
READ = ["encoder=minilm", "data.max_length=256", "pooling=masked_mean", f"pooling/chunks={CHUNKS}"]
FROZEN = ["encoder.frozen=true", "trainer.max_epochs=20", "seed=0,1,2"]
TUNED = [
    "trainer.max_epochs=1", "data.batch_size=8", "data.eval_batch_size=16", "seed=0",
    "encoder.max_tokens_at_once=4096", "callbacks=none",
]  # fmt: skip


def documents(path: Path, *, mixed: bool, seed: int) -> list[tuple[str, str]]:
    """Documents of a file of texts; every text is in one document."""
    rng, tokenizer = random.Random(seed), minilm().tokenizer
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rng.shuffle(rows)
    lengths = [len(ids) for ids in tokenizer([row["text"] for row in rows], add_special_tokens=False)["input_ids"]]
    texts = defaultdict(list)
    for row, length in zip(rows, lengths, strict=True):
        texts[row["label"]].append((row["text"], length))
    labels, found = sorted(texts), []
    while all(len(texts[label]) > TOKENS / 20 for label in labels):
        label, parts, total = labels[len(found) % len(labels)], [], 0
        while total < TOKENS:
            others = [other for other in labels if other != label]
            own = not mixed or rng.random() < SHARE
            text, length = texts[label if own else rng.choice(others)].pop()
            parts.append(text)
            total += length
        rng.shuffle(parts)
        found.append((" ".join(parts), label))
    rng.shuffle(found)
    return found


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def study(name: str, files: list[str], overrides: list[str], outputs: Path) -> list[dict[str, object]]:
    """One row per run."""
    if main(["train", "-m", *READ, *files, *overrides, f"study={name}", f"output_root={outputs}"]):
        sys.exit(f"{name} failed")
    return [
        {
            "set": name.partition("-")[0], "regime": result["regime"], "pooling": result["pooling"],
            "seed": result["seed"], "accuracy": result["metrics"]["test/accuracy"],
            "truncated": result["truncated_share"]["test"], "windows": result.get("windows", {}).get("test", 1),
            "cpu_seconds": result["cpu_seconds"], "peak_mib": max(result["peak_memory_mib"].values()),
        }
        for result in load_results(outputs / name)
    ]  # fmt: skip


def files_of(kind: str, sources: dict[str, Path], out: Path) -> list[str]:
    """Overrides that read a set, which is written first."""
    paths = {
        split: write(out / f"{kind}-{split}.csv", documents(path, mixed=kind == "mixed", seed=0))
        for split, path in sources.items()
    }
    return ["data=files", *(f"data.{split}={path}" for split, path in paths.items())]


def record(table: list[dict[str, object]]) -> None:
    with (Path(__file__).parent / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    sources = {"train": Path(sys.argv[1]), "test": Path(sys.argv[2])}
    out = Path(sys.argv[3] if len(sys.argv) > 3 else "outputs/documents")
    out.mkdir(parents=True, exist_ok=True)
    sets = {kind: files_of(kind, sources, out) for kind in ("mixed", "one")}
    table: list[dict[str, object]] = []
    for name, overrides in (("mixed-frozen", FROZEN), ("one-frozen", FROZEN), ("mixed-tuned", TUNED)):
        table += study(name, sets[name.partition("-")[0]], overrides, out)
        record(table)

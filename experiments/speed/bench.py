"""Speed against named peers, measured in the same run: make bench

Prints ratios, the median of interleaved repeats with their spread, and the environment. Above 1 poolsweep is faster.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from sentence_transformers import SentenceTransformer

from poolsweep.build import Prepared, build
from poolsweep.conf_dir import conf_dir
from poolsweep.data import Split
from poolsweep.encoder.minilm import embedded_folder
from poolsweep.inputs import Inputs, feature_rows, token_rows
from poolsweep.run.environment import versions
from poolsweep.run.folder import RunFolder
from poolsweep.run.job import checked
from poolsweep.run.status import StatusFile
from poolsweep.train import train

TEXTS, REPEATS = 1500, 3


def ratio(name: str, ours: Callable[[], float], peer: Callable[[], float]) -> None:
    """Print peer seconds by our seconds, repeats interleaved."""
    found = []
    for _ in range(REPEATS):
        theirs = peer()
        found.append(theirs / ours())
    spread = f"{min(found):.2f} to {max(found):.2f}"
    print(f"{name:<70} {statistics.median(found):5.2f}×  ({spread}, {REPEATS} repeats)", flush=True)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def composed(*overrides: str) -> tuple[dict, Prepared]:
    """A run's config and inputs, on the first texts of icd10."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        content, found = checked(compose("train", overrides=["encoder.frozen=true", "pooling=masked_mean", *overrides]))
    part = found.splits.train
    first = Split(part.name, part.origin, part.rows.select(range(TEXTS)), part.row_ids[:TEXTS])
    splits = type(found.splits)(first, found.splits.validation, found.splits.test)
    return content, Prepared(splits, found.labels, found.loaded, found.pooling, found.max_length)


def encoding() -> None:
    """The pass that fills the feature store against sentence-transformers' encode, which sorts by length too."""
    content, prepared = composed()
    inputs = Inputs(prepared.loaded, prepared.pooling, content["pooling"], prepared.labels, prepared.max_length)
    rows = {"train": token_rows(prepared.splits.train, inputs)}
    texts = list(prepared.splits.train.rows["text"])
    peer = SentenceTransformer(str(embedded_folder()), device="cpu")

    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder:
            status = StatusFile(RunFolder(Path(folder)), name="bench", run_id="bench")
            return seconds(lambda: feature_rows({**content, "output_root": folder}, inputs, rows, status=status))

    name = f"feature pass over {TEXTS} texts / sentence-transformers encode"
    ratio(name, ours, lambda: seconds(lambda: peer.encode(texts, batch_size=32, show_progress_bar=False)))


def head_training() -> None:
    """A frozen run's training, Lightning and callbacks included, against a bare PyTorch loop over the same batches."""
    with tempfile.TemporaryDirectory() as root:
        content, prepared = composed(f"output_root={root}", "callbacks=none")

        def made():
            folder = RunFolder(Path(tempfile.mkdtemp(dir=root)))
            status = StatusFile(folder, name="bench", run_id="bench")
            return build(content, prepared, folder=folder, run_id="bench", status=status), folder

        def ours() -> float:
            run, folder = made()
            return train(run, folder=folder).train_seconds

        def bare() -> float:
            run, _ = made()
            model, epochs = run.classifier, content["trainer"]["max_epochs"]
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
            threads = torch.get_num_threads()
            torch.set_num_threads(1)

            def loop() -> None:
                for _ in range(epochs):
                    for batch in run.data.train_dataloader():
                        optimizer.zero_grad()
                        model.loss(model(batch), batch.labels).backward()
                        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                        optimizer.step()

            took = seconds(loop)
            torch.set_num_threads(threads)
            return took

        ratio("training of a frozen head, 10 epochs / bare PyTorch loop", ours, bare)


if __name__ == "__main__":
    print(f"{torch.get_num_threads()} threads, " + ", ".join(f"{k} {v}" for k, v in versions().items()))
    encoding()
    head_training()

"""A frozen sweep against one padded pass of the encoder, and against as many runs of transformers' Trainer."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModel
from work import BATCH, Encoded, Work, files_of, trainer, work

from poolsweep.encoder.minilm import embedded_folder

POOLINGS = (
    "cls", "pooler", "masked_mean", "max", "last4_concat", "last4_mean", "second_to_last_mean", "first_last_mean",
    "cls_last4_concat", "cls_last4_mean", "cls_second_to_last", "embeddings_mean",
)  # fmt: skip
SEEDS, EPOCHS = 5, 10


def frozen_sweep(data: str | None) -> None:
    """Print what 12 poolings over 5 seeds cost, solved and trained by AdamW.

    Every sweep is the command a user types, in a process of its own, features not stored yet. AdamW's is run for one
    seed, the Trainer's with a frozen encoder for one epoch, and both are extrapolated, which the lines say.

    Args:
        data: Path of a csv file or a folder, or None for icd10.
    """
    with tempfile.TemporaryDirectory() as root:
        made = work(data, "pooling=pooler", rows=10**9, root=Path(root))
        encoded = {split.name: Encoded(made.prepared, split) for split in made.prepared.splits}
        one_pass = _padded_pass(list(encoded.values()))
        one_epoch = _trainer_epoch(made, encoded["train"], encoded["validation"])
    peer = 60 * EPOCHS * one_epoch
    print(f"frozen: one padded pass over {sum(map(len, encoded.values()))} texts takes {one_pass:.1f} s")
    print(f"frozen: 60 Trainer runs would take {peer:.0f} s, extrapolated from one epoch of {one_epoch:.1f} s")
    for name, overrides, seeds in (("probe", ["trainer=probe"], SEEDS), ("AdamW", ["callbacks=none"], 1)):
        whole, per_run = _sweep(data, overrides, seeds=seeds)
        runs = len(POOLINGS) * seeds
        rest = (whole - runs * per_run) + 60 * per_run
        how = "" if runs == 60 else f", extrapolated from {runs}"
        print(
            f"frozen: 60 runs with {name} take {rest:.0f} s{how}: {per_run:.2f} s a run beside the pass and start-up "
            f"({(whole - runs * per_run) / one_pass:.2f} padded passes); {peer / rest:.0f}× less than the Trainer",
            flush=True,
        )


def _padded_pass(splits: list[Encoded]) -> float:
    """Seconds of one pass as most code has it: batches in file order, padded to their longest."""
    model = AutoModel.from_pretrained(embedded_folder(), dtype=torch.float32).eval()
    started = time.perf_counter()
    with torch.inference_mode():
        for split in splits:
            for begin in range(0, len(split), BATCH):
                rows = [torch.tensor(ids) for ids in split.columns["input_ids"][begin : begin + BATCH]]
                ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
                mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
                model(input_ids=ids, attention_mask=mask)
    return time.perf_counter() - started


def _trainer_epoch(made: Work, train: Encoded, validation: Encoded) -> float:
    """Seconds of one epoch of the Trainer over a frozen encoder, and its evaluation."""
    peer = trainer(made, train, bf16=False, by_length=False)
    peer.model.base_model.requires_grad_(False)  # type: ignore[union-attr]
    started = time.perf_counter()
    peer.train()
    peer.predict(validation)  # type: ignore[arg-type]
    return time.perf_counter() - started


def _sweep(data: str | None, overrides: list[str], *, seeds: int) -> tuple[float, float]:
    """Seconds of a whole sweep, and the median seconds of its runs beside the first, which makes the features."""
    with tempfile.TemporaryDirectory() as root:
        command = [
            sys.executable, "-m", "poolsweep", "train", "-m", *([] if data is None else files_of(data)),
            "encoder.frozen=true", f"pooling={','.join(POOLINGS)}", f"seed={','.join(map(str, range(seeds)))}",
            "study=bench", f"output_root={root}", *overrides,
        ]  # fmt: skip
        started = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ)
        whole = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(done.stderr)
        found = [json.loads(path.read_text()) for path in Path(root).glob("bench/*/result.json")]
        times = [result["seconds"] for result in found]
        return whole, statistics.median(times)

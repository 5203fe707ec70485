"""Texts to vectors against sentence-transformers' encode, tokenisation included."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from timing import Compared, compare, has_fast_bfloat16, matrix_rate, seconds, useful_flops
from work import Encoded, Work, work

from poolsweep.encoder.minilm import embedded_folder
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.inputs import Inputs, _tokenised, feature_rows, token_rows

# Overrides of poolsweep, the precision of its products, and how sentence-transformers computes at the same precision.
PRECISIONS = {
    "float32": ((), torch.float32, torch.float32, False),
    "bfloat16 by autocast": (("trainer.precision=bf16-mixed",), torch.bfloat16, torch.float32, True),
    "bfloat16 throughout": (("encoder.dtype=bfloat16",), torch.bfloat16, torch.bfloat16, False),
}


def encoding(data: str | None, *, rows: int) -> None:
    """Print the pass that fills the feature store against ``encode``, which sorts by length too.

    Args:
        data: Path of a csv file, or None for icd10.
        rows: Texts encoded in each repeat.
    """
    for name, (typed, dtype, weights, autocast) in PRECISIONS.items():
        if dtype == torch.bfloat16 and not has_fast_bfloat16():
            print(f"texts to vectors, {name}: left out, since this CPU multiplies float32 faster")
            continue
        with tempfile.TemporaryDirectory() as root:
            made = work(data, "encoder.frozen=true", "pooling=masked_mean", *typed, rows=rows, root=Path(root))
            found = _compared(made, weights=weights, autocast=autocast)
        found.say(f"texts to vectors, {name}", rate=matrix_rate(dtype))


def _compared(made: Work, *, weights: torch.dtype, autocast: bool) -> Compared:
    texts = list(made.prepared.splits.train.rows["text"])
    peer = SentenceTransformer(str(embedded_folder()), device="cpu", model_kwargs={"dtype": weights})

    def encode() -> None:
        with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext():
            peer.encode(texts, batch_size=32, show_progress_bar=False)

    return compare(
        {"poolsweep": lambda: pass_seconds(made), "sentence-transformers": lambda: seconds(encode)},
        examples=len(texts), flops=useful_flops(Encoded(made.prepared, made.prepared.splits.train).lengths),
    )  # fmt: skip


def pass_seconds(made: Work) -> float:
    """Time of one pass of a frozen encoder over the training rows, tokenisation included."""
    prepared, config = made.prepared, made.config
    inputs = Inputs(prepared.loaded, prepared.pooling, config.pooling, prepared.contract, prepared.reading)
    with tempfile.TemporaryDirectory() as folder:
        status = StatusFile(RunFolder(Path(folder)), name="bench", run_id="bench", lock=None)
        _tokenised.cache_clear()

        def encode() -> None:
            train = {"train": token_rows(prepared.splits.train, inputs)}
            feature_rows(replace(config, output_root=folder), inputs, train, status=status)

        return seconds(encode)

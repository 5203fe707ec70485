"""Texts to vectors against sentence-transformers' encode, tokenisation included."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from timing import compare, matrix_rate, seconds, useful_flops
from work import Encoded, Work, work

from poolsweep.encoder.minilm import embedded_folder
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.inputs import Inputs, _tokenised, feature_rows, token_rows


def encoding(data: str | None, *, rows: int) -> None:
    """Print the pass that fills the feature store against ``encode``, which sorts by length too.

    Args:
        data: Path of a csv file, or None for icd10.
        rows: Texts encoded in each repeat.
    """
    with tempfile.TemporaryDirectory() as root:
        made = work(data, "encoder.frozen=true", "pooling=masked_mean", rows=rows, root=Path(root))
        texts = list(made.prepared.splits.train.rows["text"])
        peer = SentenceTransformer(str(embedded_folder()), device="cpu")
        found = compare(
            {
                "poolsweep": lambda: pass_seconds(made),
                "sentence-transformers": lambda: seconds(
                    lambda: peer.encode(texts, batch_size=32, show_progress_bar=False)
                ),
            },
            examples=len(texts), flops=useful_flops(Encoded(made.prepared, made.prepared.splits.train).lengths),
        )  # fmt: skip
        found.say("texts to vectors", rate=matrix_rate(torch.float32))


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

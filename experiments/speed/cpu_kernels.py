"""encoder.cpu_kernels=auto against off: the same work with torch's own linear layers and dropout."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import torch
from encoding import pass_seconds
from fine_tuning import fit_seconds
from timing import compare, matrix_rate, useful_flops
from work import Encoded, work

_PARTS = {
    "texts to vectors": (pass_seconds, 8, 1, ("encoder.frozen=true", "pooling=masked_mean")),
    "fine-tuning": (fit_seconds, 1, 3, ("pooling=pooler", "trainer.max_epochs=1")),
}


def kernels(data: str | None, *, rows: int) -> None:
    """Print what the kernels save. A head on stored features has none: only the encoder's modules are replaced.

    Args:
        data: Path of a csv file, or None for icd10.
        rows: Rows trained on in each repeat; eight times as many are encoded.
    """
    for name, (measure, times, passes, typed) in _PARTS.items():
        with tempfile.TemporaryDirectory() as root:
            auto, off = (
                work(data, *typed, f"encoder.cpu_kernels={mode}", rows=times * rows, root=Path(root))
                for mode in ("auto", "off")
            )
            train = Encoded(auto.prepared, auto.prepared.splits.train)
            found = compare(
                {"auto": partial(measure, auto), "cpu_kernels=off": partial(measure, off)},
                examples=len(train), flops=passes * useful_flops(train.lengths),
            )  # fmt: skip
            found.say(name, rate=matrix_rate(torch.float32))

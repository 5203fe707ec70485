"""Peak memory of fine-tuning on the last four layers, against transformers with all hidden states kept."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import torch

ROWS, TOKENS, LABELS, MIB = 32, 128, 2, 2**20
# glibc keeps freed blocks of up to 32 MiB; given back at once, what is resident is what is in use.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def memory() -> None:
    """Print both peaks, each of a process of its own: the highest resident memory less that before the step."""
    peaks = {}
    for way in ("poolsweep", "transformers"):
        done = subprocess.run(
            [sys.executable, __file__, way], check=True, capture_output=True, text=True, env=os.environ | ENVIRONMENT
        )
        peaks[way] = float(done.stdout)
    print(
        f"peak memory of last4_concat, {ROWS} texts of 1 to {TOKENS} tokens: {peaks['poolsweep']:.0f} MiB against "
        f"{peaks['transformers']:.0f} with output_hidden_states, {peaks['transformers'] / peaks['poolsweep']:.2f}×",
        flush=True,
    )


def _measure(way: str) -> None:
    from poolsweep.encoder.minilm import minilm
    from poolsweep.pooling import Pooling
    from poolsweep.pooling.layers.concat import Concat
    from poolsweep.pooling.tokens.mean import Mean

    encoder = minilm(
        packing="on" if way == "poolsweep" else "off", cpu_kernels="auto" if way == "poolsweep" else "off"
    ).encoder.train()
    encoder.drop_pooler()
    layers = Concat(last=4, num_layers=encoder.num_layers, hidden_size=encoder.hidden_size)
    pooling = Pooling(layers=layers, tokens=Mean(input_size=layers.output_size))
    head = torch.nn.Linear(pooling.output_size, LABELS)

    def step(ids: torch.Tensor, mask: torch.Tensor) -> None:
        if way == "poolsweep":
            pooled = pooling(encoder(ids, mask, layers=pooling.layers_needed).hidden, mask)
        else:
            output = encoder.model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True)
            states = torch.cat(output.hidden_states[-4:], dim=-1)
            pooled = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        torch.nn.functional.cross_entropy(head(pooled), torch.zeros(len(ids), dtype=torch.long)).backward()

    step(*_batch(1, 8))  # what libraries allocate once, gradients of the parameters included
    ready = _batch(ROWS, TOKENS)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
    step(*ready)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before)


def _batch(rows: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(1000, 20_000, (rows, tokens), generator=torch.Generator().manual_seed(0))
    return ids, torch.arange(tokens) < torch.linspace(1, tokens, rows).long()[:, None]


if __name__ == "__main__":
    _measure(sys.argv[1])

"""Peak memory of last4_concat: everything ``output_hidden_states`` returns, against what the pooling needs.

    python experiments/memory/measure.py            measures every way and writes results.csv (10 GiB, 15 minutes)
    python experiments/memory/measure.py WAY STAGE  measures one way in this process and prints its line

Each measurement runs in a process of its own: the highest resident memory of the process, less what was resident when
model and batch were ready.
"""

import csv
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

from poolsweep.encoder.minilm import minilm
from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.layers.concat import Concat
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.tokens.mean import Mean

ROWS, TOKENS, LABELS = 32, 512, 21
WAYS = ("last_only", "output_hidden_states", "mix_first", "poolsweep")
REPEATS = {"pooling_forward": 3, "pooling_training": 3, "forward": 3, "training": 1}
MIB = 2**20
# glibc keeps freed blocks of up to 32 MiB; given back at once, what is resident is what is in use.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pool(way: str, pooling: Pooling, hidden: tuple[torch.Tensor, ...], mask: torch.Tensor) -> torch.Tensor:
    """One vector per row from the states of the layers that ``pooling`` needs."""
    if way == "output_hidden_states":  # as most code on the web has it
        states = torch.cat(hidden, dim=-1)
        return (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    if way == "mix_first":
        return pooling.tokens(pooling.layers(hidden), mask, PoolingContext())
    return pooling(hidden, mask)


def make_step(way: str, stage: str):
    """A function that runs one batch the given way: encoder and pooling, or the pooling of given states alone."""
    training, alone = stage.endswith("training"), stage.startswith("pooling")
    encoder = minilm().encoder.train(training)
    encoder.drop_pooler()
    sizes = {"num_layers": encoder.num_layers, "hidden_size": encoder.hidden_size}
    layers = Single(index=-1, **sizes) if way == "last_only" else Concat(last=4, **sizes)
    pooling = Pooling(layers=layers, tokens=Mean(input_size=layers.output_size))
    head = torch.nn.Linear(pooling.output_size, LABELS)

    def states(ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if way == "output_hidden_states":
            output = encoder.model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True)
            return output.hidden_states[-4:]
        return encoder(ids, mask, layers=pooling.layers_needed).hidden

    def step(ids: torch.Tensor, mask: torch.Tensor, hidden: tuple[torch.Tensor, ...]) -> None:
        with torch.set_grad_enabled(training):
            logits = head(pool(way, pooling, hidden if alone else states(ids, mask), mask))
            if training:
                torch.nn.functional.cross_entropy(logits, torch.zeros(len(ids), dtype=torch.long)).backward()

    def inputs(rows: int, tokens: int):
        count = len(pooling.layers_needed) if alone else 0
        hidden = tuple(torch.randn(rows, tokens, encoder.hidden_size, requires_grad=training) for _ in range(count))
        return *batch(rows, tokens), hidden

    return step, inputs


def batch(rows: int, tokens: int):
    ids = torch.randint(1000, 20_000, (rows, tokens), generator=torch.Generator().manual_seed(0))
    lengths = torch.linspace(tokens // 2, tokens, rows).long()
    return ids, torch.arange(tokens) < lengths[:, None]


def measure(way: str, stage: str) -> None:
    torch.set_num_threads(2)
    step, inputs = make_step(way, stage)
    step(*inputs(1, 8))  # what libraries allocate once, gradients of the parameters included
    ready = inputs(ROWS, TOKENS)
    before, start = resident(), time.perf_counter()
    step(*ready)
    print(f"{way},{stage},{peak() - before:.0f},{time.perf_counter() - start:.1f}")


def main() -> None:
    target = Path(__file__).with_name("results.csv")
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["way", "stage", "repeat", "peak_mib", "seconds"])
        for stage, repeats in REPEATS.items():
            for repeat in range(repeats):
                for way in WAYS:
                    command = [sys.executable, __file__, way, stage]
                    environment = os.environ | ENVIRONMENT
                    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                    _, _, mib, seconds = done.stdout.strip().split(",")
                    writer.writerow([way, stage, repeat, mib, seconds])
                    print(f"{stage:16} {way:21} {int(mib):6,} MiB  {seconds} s", flush=True)


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) == 3 else main()

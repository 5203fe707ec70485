"""Speed against named peers, measured in the same run: make bench

    python experiments/speed/bench.py                          # all parts, on icd10, which every installation has
    python experiments/speed/bench.py --data ade               # a csv file, or a folder with train.csv and test.csv
    python experiments/speed/bench.py training --rows 640      # one part: training, evaluation, encoding, predicting,
                                                               # kernels, operations, head, frozen, memory, rows, start,
                                                               # shared, scaling, gpu

Prints each peer's time by poolsweep's: the median of interleaved repeats with their spread, speeds, and the share of
this machine's matrix rate that went into real tokens. Above 1 poolsweep is faster.
"""

from __future__ import annotations

import argparse
import os
import time

import torch
from timing import matrix_rate

from poolsweep.process.allocator import keep_freed_memory
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.environment import versions

PARTS = (
    "training", "evaluation", "encoding", "predicting", "kernels", "operations", "head", "frozen", "memory", "rows",
    "start", "shared", "scaling", "gpu",
)  # fmt: skip


def run(part: str, *, data: str | None, rows: int, most_runs: int) -> None:
    """Run one part of the benchmarks."""
    if part in ("training", "evaluation"):
        from fine_tuning import fine_tuning

        fine_tuning(data, rows=rows, part=part)
    elif part == "encoding":
        from encoding import encoding

        encoding(data, rows=2 * rows)
    elif part == "predicting":
        from predicting import predicting

        predicting(data, rows=10_000)
    elif part == "kernels":
        from cpu_kernels import kernels

        kernels(data, rows=rows)
    elif part == "operations":
        from operations import operations

        operations(data, rows=rows)
    elif part == "head":
        from frozen_head import frozen_head

        frozen_head(data, rows=1500)
    elif part == "frozen":
        from frozen_sweep import frozen_sweep

        frozen_sweep(data)
    elif part == "memory":
        from peak_memory import memory

        memory()
    elif part == "rows":
        from many_rows import many_rows

        many_rows()
    elif part == "start":
        from start import start

        start()
    elif part == "shared":
        from shared_cores import shared_cores

        shared_cores()
    elif part == "scaling":
        from scaling import scaling

        scaling(most_runs=most_runs)
    else:
        from gpu import gpu

        gpu()


def main() -> None:
    """Print the environment, then every part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--data", default=os.environ.get("BENCH_DATA"), help="csv file or folder; icd10 without it")
    parser.add_argument("--rows", type=int, default=320, help="trained on in each repeat of fine-tuning")
    parser.add_argument("--runs", type=int, default=1000, help="of the largest study of scaling; 10000 takes minutes")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    quiet_third_parties()
    keep_freed_memory()  # as the commands of poolsweep do; peers have it too
    clock = os.environ.get("BENCH_CLOCK", "wall")
    known = ", ".join(f"{k} {v}" for k, v in versions().items())
    print(f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, {clock} time, {known}")
    rates = [f"{dtype} {matrix_rate(dtype) / 1e9:.0f} GFLOP/s" for dtype in (torch.float32, torch.bfloat16)]
    print("matrix rate: " + ", ".join(rates), flush=True)
    started = time.monotonic()
    for part in arguments.parts or PARTS:
        run(part, data=arguments.data, rows=arguments.rows, most_runs=arguments.runs)
    print(f"all of it took {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()

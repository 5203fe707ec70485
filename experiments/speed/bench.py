"""Speed against named peers, measured in the same run: make bench

    python experiments/speed/bench.py                       # icd10, which every installation has
    python experiments/speed/bench.py --data ade/train.csv  # a csv file with the columns text and label

Prints each peer's time by poolsweep's: the median of interleaved repeats with their spread, speeds, and the share of
this machine's matrix rate that went into real tokens. Above 1 poolsweep is faster.
"""

from __future__ import annotations

import argparse

import torch
from encoding import encoding
from fine_tuning import fine_tuning
from frozen_head import frozen_head
from timing import matrix_rate

from poolsweep.quiet import quiet_third_parties
from poolsweep.run.environment import versions

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="csv file with the columns text and label; icd10 without it")
    parser.add_argument("--rows", type=int, default=320, help="trained on in each repeat of fine-tuning")
    arguments = parser.parse_args()
    quiet_third_parties()
    print(f"{torch.get_num_threads()} threads, " + ", ".join(f"{k} {v}" for k, v in versions().items()))
    rates = [f"{dtype} {matrix_rate(dtype) / 1e9:.0f} GFLOP/s" for dtype in (torch.float32, torch.bfloat16)]
    print("matrix rate: " + ", ".join(rates))
    fine_tuning(arguments.data, rows=arguments.rows)
    encoding(arguments.data, rows=4 * arguments.rows)
    frozen_head(arguments.data, rows=1500)

"""Tries poolsweep with what nobody meant to type: ``python tests/fuzz --lines 200 --seed 7``."""

from __future__ import annotations

import os
import sys

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # a fork has one thread, and libraries that have started others wait for them for ever
os.environ |= {
    "HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline", "TOKENIZERS_PARALLELISM": "false", "COLUMNS": "200",
    "NO_COLOR": "1", "TERM": "dumb",
}  # fmt: skip

if __name__ == "__main__":
    from session import main

    sys.exit(main())

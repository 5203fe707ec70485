"""Whether this process is a job of Slurm that poolsweep submitted."""

from __future__ import annotations

import os

REQUEUES = "POOLSWEEP_REQUEUES"  # set in the jobs that poolsweep submits: how often one may requeue itself


def in_own_job() -> bool:
    """Whether this process is a Slurm job that poolsweep submitted, not a shell in an allocation."""
    return REQUEUES in os.environ and "SLURM_JOB_ID" in os.environ

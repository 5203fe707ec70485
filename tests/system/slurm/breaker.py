"""Callbacks of runs that are disturbed."""

import os
import signal
import sys
import time

import pytorch_lightning as pl


class Breaker(pl.Callback):
    """Breaks at the fifth step; ``how`` is none, raise, raise-rank-1, exit0, exit3 or kill."""

    def __init__(self, *, how: str) -> None:
        self.how = how

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        """Break."""
        if trainer.global_step < 5:
            return
        if self.how == "raise" or (self.how == "raise-rank-1" and trainer.global_rank == 1):
            raise RuntimeError("as it was asked to")
        if self.how.startswith("exit"):
            sys.exit(int(self.how[4:]))
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)


class Slow(pl.Callback):
    """Where $SLOW is 1, makes a job's first attempt take half a second a step, from the 25th on."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        """Linger."""
        if os.environ.get("SLOW") == "1" and "SLURM_RESTART_COUNT" not in os.environ and trainer.global_step >= 25:
            time.sleep(0.5)

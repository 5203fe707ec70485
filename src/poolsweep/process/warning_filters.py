"""Silences what other libraries say that a user can do nothing about; each message is named."""

from __future__ import annotations

import logging
import warnings

_MESSAGES = (
    r"The '.*_dataloader' does not have many workers",
    r"Starting from v1\.9\.0, `tensorboardX` has been removed",
    r"The number of training batches \(\d+\) is smaller than the logging interval",
    r".*does not have a deterministic implementation",
    r"Found \d+ module\(s\) in eval mode at the start of training",
    r"Trying to infer the `batch_size` from an ambiguous collection",
    r"You're resuming from a checkpoint that ended before the epoch ended",
    r".*isinstance\(treespec, LeafSpec\)` is deprecated",
    r"GPU available but not used",
    r"The \.grad attribute of a Tensor that is not a leaf Tensor is being accessed",  # torch.compile's own doing
    r"The `srun` command is available on your system but is not used",
    r"It is recommended to use `self\.log\(.*, sync_dist=True\)`",  # they are the same on every process already
    r"The ``compute`` method of metric \w+ was called before the ``update`` method",  # a process without a batch
)
QUIETED = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "pytorch_lightning.utilities.rank_zero")


def quiet_third_parties() -> None:
    """Set log levels and filters; called inside each job, since a launcher's workers skip the main process's set-up."""
    for name in QUIETED:
        logging.getLogger(name).setLevel(logging.ERROR)
    for message in _MESSAGES:
        warnings.filterwarnings("ignore", message=message)

"""Weights & Biases, one run per run id, closed in every case."""

from __future__ import annotations

import netrc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import wandb
from pytorch_lightning.loggers import WandbLogger


class WandbRun(WandbLogger):
    """Lightning's W&B logger with the run's identity; offline where there is no key.

    Args:
        project: W&B project.
        entity: User or team; None = the key's own.
        tags: Tags of the run.
        run_id: Becomes W&B's id, so that a run that is typed again is the same run there.
        run_folder: The run's folder; ``wandb/`` lies beside it, one per study.
        group: ``data/pooling``.
        config: Logged once.
    """

    def __init__(
        self,
        *,
        project: str,
        run_id: str,
        run_folder: Path,
        group: str,
        config: Mapping[str, Any],
        entity: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        super().__init__(
            project=project,
            entity=entity,
            id=run_id,
            name=f"{group} seed {config['seed']}",
            group=group,
            tags=list(tags),
            save_dir=str(run_folder.parent),
            config=dict(config),
            mode=mode(),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True),
        )

    def close(self, *, succeeded: bool) -> None:
        """Finish the run, so that the next one of the process is a run of its own."""
        if self._experiment is not None:
            self.experiment.finish(exit_code=0 if succeeded else 1)
            self._experiment = None


def mode() -> str:
    """``WANDB_MODE`` if it is set; else online with a key, and offline without."""
    return os.environ.get("WANDB_MODE") or ("online" if has_key() else "offline")


def has_key() -> bool:
    """Whether a W&B key is at hand: in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False

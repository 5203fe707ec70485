"""TensorBoard, one folder per study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import TensorBoardLogger

from poolsweep.errors import UserError


class TensorBoardRun(TensorBoardLogger):
    """Lightning's TensorBoard logger; ``tensorboard --logdir outputs/<study>/tensorboard`` shows a study.

    Args:
        run_id: Names the run's folder.
        run_folder: The run's; ``tensorboard/`` lies beside it.
        group: ``data/pooling``.
        config: Logged once.
    Raises:
        UserError: If tensorboard is not installed.
    """

    def __init__(self, *, run_id: str, run_folder: Path, group: str, config: Mapping[str, Any]) -> None:
        try:
            super().__init__(run_folder.parent / "tensorboard", name=group, version=run_id, default_hp_metric=False)
        except ModuleNotFoundError as error:
            raise UserError("logger=tensorboard needs tensorboard: pip install 'poolsweep[tensorboard]'") from error
        self.log_hyperparams(dict(config))

    def close(self, *, succeeded: bool) -> None:
        """Write what is left."""
        self.finalize("success" if succeeded else "failed")

"""TensorBoard, one folder per study, one folder in it per run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from poolsweep.config import Node
from poolsweep.loggers.tracker import Tracker, flat

_LENGTH = 60  # of a folder's name; most file systems take 255 bytes


class TensorBoardRun(Tracker, TensorBoardLogger):
    """Lightning's TensorBoard logger; ``tensorboard --logdir outputs/<study>/tensorboard`` shows a study.

    The HPARAMS tab holds the config of every run that ended, beside the metrics of those that finished.

    Args:
        run_id: Names the run's folder.
        run_folder: The run's; ``tensorboard/`` lies beside it.
        group: ``data/pooling``.
        config: Logged once.
    """

    needs = "tensorboard"

    def __init__(self, *, run_id: str, run_folder: Path, group: str, config: Node) -> None:
        super().__init__(
            run_folder.parent / "tensorboard", name=_as_folders(group), version=run_id, default_hp_metric=False
        )
        self._config = {**flat(config), "run_id": run_id}

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:  # noqa: ANN401
        """TensorBoard's writer; what an earlier attempt at the run wrote gives way to it."""
        if self._experiment is None:
            shutil.rmtree(self.log_dir, ignore_errors=True)
        return super().experiment

    @rank_zero_only
    def save(self) -> None:
        """Nothing: config.yaml of the run folder holds what Lightning would write here."""

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is buffered; Lightning would close the file after training, and open one more for the test."""
        if self._experiment is not None:
            self.experiment.flush()

    def close(self, *, result: Mapping[str, Any] | None) -> None:
        """Write the config beside the final metrics, and close the file."""
        if self._experiment is None:
            return
        from torch.utils.tensorboard.summary import hparams

        # Not log_hyperparams: it would log the metrics once more, at step 0.
        for summary in hparams(self._config, {} if result is None else dict(result["metrics"])):
            self.experiment.file_writer.add_summary(summary)
        self.experiment.close()
        self._experiment = None


def _as_folders(group: str) -> str:
    """A name of data and pooling as folders that lie below another one, whatever the names hold."""
    return "/".join(part[:_LENGTH] for part in group.split("/") if part.strip(". "))

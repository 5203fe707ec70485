"""metrics.csv as one of the loggers of Lightning's Trainer."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from poolsweep.loggers.metrics_file import MetricsFile


class LightningMetricsFile(MetricsFile, Logger):
    """Takes what Lightning logs."""

    @property
    def name(self) -> str:
        """Part of Lightning's interface."""
        return "metrics"

    @property
    def version(self) -> str:
        """Part of Lightning's interface."""
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Nothing: config.yaml has them."""

    log_metrics = rank_zero_only(MetricsFile.log_metrics)

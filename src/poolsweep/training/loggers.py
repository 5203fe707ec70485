"""Makes the loggers of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poolsweep.config import RunConfig
from poolsweep.loggers.metrics_file import MetricsFile
from poolsweep.loggers.tracker import shown_config
from poolsweep.runs.folder import RunFolder
from poolsweep.training.make import make


def build_loggers(
    config: RunConfig,
    *,
    folder: RunFolder,
    run_id: str,
    check_lock: Callable[[], None] = lambda: None,
    metrics_file: type[MetricsFile] = MetricsFile,
) -> list[Any]:
    """Make metrics.csv, which is written as long as the run is ours, and the configured loggers.

    Args:
        config: The run's, validated.
        folder: Folder that the run writes to.
        run_id: Identity of the run.
        check_lock: Called before metrics are written; raises if another process has the run now.
        metrics_file: Class of the first of them.
    """
    described = {
        "run_id": run_id,
        "run_folder": folder.path,
        "group": f"{config.data_name}/{config.pooling_name}",
        "config": shown_config(config),
    }
    measured = [*config.metrics, *config.own_metrics]
    first = metrics_file(folder.metrics, measured=measured, check_lock=check_lock)
    # Partial, since instantiate would build whatever the logged config names.
    return [first] + [make(node, _partial_=True)(**described) for node in config.loggers.values()]

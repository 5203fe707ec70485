"""Trackio: local dashboards with W&B's way of logging."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from poolsweep.config import Node
from poolsweep.loggers.tracker import Tracker, kind_of_run


class TrackioRun(Tracker, Logger):
    """One trackio run per run id; ``trackio show --project STUDY`` shows a study.

    Lightning has no logger for trackio. Runs lie where trackio keeps them (``TRACKIO_DIR``), or in the Space that
    ``TRACKIO_SPACE_ID`` names.

    Args:
        project: Trackio's project.
        run_id: Ends the run's name, by which trackio knows it.
        run_folder: Not needed: trackio keeps its own.
        group: ``data/pooling``.
        config: Logged once.
    """

    needs = "trackio"

    def __init__(self, *, project: str, run_id: str, run_folder: Path, group: str, config: Node) -> None:
        super().__init__()
        import trackio  # of an extra

        self._trackio = trackio
        self._project, self._group = project, group
        self._run_name = f"{group} seed {config['seed']} {run_id}"
        self._config = {**config, "run_id": run_id, "kind": kind_of_run(config)}
        self._experiment: Any = None

    @property
    def name(self) -> str:
        """Trackio's project."""
        return self._project

    @property
    def version(self) -> str:
        """The run's name there."""
        return self._run_name

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:  # noqa: ANN401
        """Trackio's run; an earlier attempt at it is deleted, and what it goes on from is logged anew."""
        if self._experiment is None:
            with _said_nothing():
                self._forget_earlier_attempts()
                self._experiment = self._trackio.init(
                    self._project, name=self._run_name, group=self._group, config=self._config, embed=False,
                    auto_log_cpu=False, auto_log_gpu=False,
                )  # fmt: skip
        return self._experiment

    def _forget_earlier_attempts(self) -> None:
        try:
            earlier = [run for run in self._trackio.Api().runs(self._project) if run.name == self._run_name]
        except ValueError:  # the project does not exist yet
            return
        for run in earlier:
            run.delete()

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Nothing: the config is given when the run begins."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log a step."""
        self.experiment.log(metrics={name: float(value) for name, value in metrics.items()}, step=step)

    def close(self, *, result: Mapping[str, Any] | None) -> None:
        """End the run, so that the next one of the process is a run of its own."""
        if self._experiment is not None:
            with _said_nothing():
                self._trackio.finish()
            self._experiment = None


@contextlib.contextmanager
def _said_nothing() -> Iterator[None]:
    """Trackio prints five lines a run, which would go through the sweep's bar."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield

"""MLflow: SQLite beside the runs, or the server that the environment names."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock
from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from poolsweep.config import Node
from poolsweep.loggers.tracker import Tracker, flat, has_checkpoint, kind_of_run

_OUR_ID = "poolsweep.run_id"
_PARAMETER_LENGTH = 250


class MlflowRun(Tracker, MLFlowLogger):
    """Lightning's MLflow logger: one experiment per study, one MLflow run per run id.

    Several processes may log at once: the database and the experiment are made under a lock, and whoever finds the
    database busy waits.

    Args:
        tracking_uri: None = ``MLFLOW_TRACKING_URI`` if it is set, else SQLite in ``mlflow/`` of the study. A
            login in it is used, and stands in no record.
        run_id: Stands in the tag ``poolsweep.run_id``; MLflow gives names of its own.
        run_folder: The run's; ``mlflow/`` lies beside it.
        group: ``data/pooling``.
        config: Logged once, as parameters.
    """

    needs = "mlflow"

    def __init__(
        self,
        *,
        run_id: str,
        run_folder: Path,
        group: str,
        config: Node,
        tracking_uri: str | None = None,
    ) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._home = (run_folder.parent / "mlflow").absolute()
        self._our_id = run_id
        self._has_checkpoint = has_checkpoint(run_folder)
        self._parameters = {**flat(config), "run_id": run_id}
        self._last_steps: dict[str, int] = {}
        study = str(config["study"])
        tags = {_OUR_ID: run_id, "study": study, "group": group, "kind": kind_of_run(config)}
        uri = (
            tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self._home / 'mlflow.db'}?timeout=120"
        )
        with self._alone(uri):
            super().__init__(
                experiment_name=study,
                run_name=f"{group} seed {config['seed']}",
                tracking_uri=uri,
                tags=tags,
                artifact_location=(self._home / "artifacts").as_uri() if uri.startswith("sqlite:") else None,
            )

    @contextlib.contextmanager
    def _alone(self, uri: str) -> Iterator[None]:
        """One process at a time makes tables, and MLflow's word on each step of it stays unsaid."""
        import mlflow  # noqa: F401  of an extra; sets its log levels

        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.WARNING)
        if not uri.startswith("sqlite:"):
            yield
            return
        self._home.mkdir(parents=True, exist_ok=True)
        with FileLock(self._home / ".lock"):
            yield

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:  # noqa: ANN401
        """MLflow's client; asking for it first begins the run, or takes up the one that this run goes on with.

        Lightning would set MLflow's address for the whole process, and for those it starts: studies would mix.
        """
        if not self._initialized:
            with self._alone(self._tracking_uri):
                self._experiment_id = self._make_experiment()
                self._run_id = self._earlier_attempt()
                if self._run_id is None:
                    run = self._mlflow_client.create_run(self._experiment_id, tags=self.tags, run_name=self._run_name)
                    self._run_id = run.info.run_id
                else:
                    self._mlflow_client.update_run(self._run_id, status="RUNNING")
            self._initialized = True
            self._log_parameters()
        return self._mlflow_client

    def _make_experiment(self) -> str:
        """The study's experiment; a server may have been asked for it by another process in this moment."""
        from mlflow.exceptions import MlflowException

        client, name = self._mlflow_client, self._experiment_name
        found = client.get_experiment_by_name(name)
        if found is None:
            try:
                return client.create_experiment(name, artifact_location=self._artifact_location)
            except MlflowException:
                found = client.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _earlier_attempt(self) -> str | None:
        """MLflow's id of the run to go on with; attempts that are not gone on with are deleted there."""
        query = f"tags.`{_OUR_ID}` = '{self._our_id}'"
        earlier = self._mlflow_client.search_runs([str(self._experiment_id)], query, order_by=["start_time DESC"])
        kept = earlier[0] if earlier and self._has_checkpoint else None
        for run in earlier:
            if run is not kept:
                self._mlflow_client.delete_run(run.info.run_id)
        if kept is None:
            return None
        for name in kept.data.metrics:
            history = self._mlflow_client.get_metric_history(kept.info.run_id, name)
            self._last_steps[name] = max(metric.step for metric in history)
        return kept.info.run_id

    def _log_parameters(self) -> None:
        from mlflow.entities import Param

        parameters = [Param(k, str(v)[:_PARAMETER_LENGTH]) for k, v in self._parameters.items()]
        for start in range(0, len(parameters), 100):  # as many as a server takes at once
            self._mlflow_client.log_batch(str(self._run_id), params=parameters[start : start + 100])

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log what is not there yet: a resumed run comes by the steps after its checkpoint once more."""
        _ = self.experiment
        fresh = {name: value for name, value in metrics.items() if (step or 0) > self._last_steps.get(name, -1)}
        if fresh:
            super().log_metrics(fresh, step)

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """Nothing: Lightning would end the run after training, before its test."""

    def close(self, *, result: Mapping[str, Any] | None) -> None:
        """End the run."""
        if not self._initialized:
            return
        if result is not None:
            self._mlflow_client.set_tag(str(self._run_id), "git_commit", str(result.get("git_commit")))
        self._mlflow_client.set_terminated(str(self._run_id), "FAILED" if result is None else "FINISHED")

"""Weights & Biases, one run per run id, closed in every case."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from poolsweep.bounds import NonNegativeInt
from poolsweep.config import Node
from poolsweep.errors import UserError
from poolsweep.loggers.keys import has_key
from poolsweep.loggers.predictions import capped_predictions
from poolsweep.loggers.tracker import Tracker, has_checkpoint, kind_of_run
from poolsweep.metric_names import direction
from poolsweep.runs.folder import RunFolder

_TAG_LENGTH, _PROJECT_LENGTH, _NOT_IN_PROJECTS = 64, 128, "/\\#?%:"  # W&B's own
_MODES = ("online", "offline", "shared", "disabled", "dryrun", "run")
_FACTS = (
    "best_epoch",
    "epochs",
    "steps",
    "penalty",
    "temperature",
    "seconds",
    "train_seconds",
    "examples_per_second",
    "attempts",
)


class WandbRun(Tracker, WandbLogger):
    """Lightning's W&B logger with the run's identity; offline where there is no key.

    The summary holds the values of the best epoch so far, and at the end those of result.json, under the names of the
    metrics. Checkpoints are never copied.

    Args:
        project: W&B project.
        entity: User or team; None = the key's own.
        tags: Tags of the run, beside the study's name; W&B takes 64 characters of each.
        max_rows: Rows of the prediction table, wrong predictions first; 0 = neither table nor confusion matrix.
        run_id: Becomes W&B's id, so that a run that is typed again is the same run there. Under a W&B agent the id is
            the agent's, and this one stands in the config.
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
        config: Node,
        entity: str | None = None,
        tags: Sequence[str] = (),
        max_rows: NonNegativeInt = 1000,
    ) -> None:
        _require_project(project)
        if "weave" not in sys.modules:  # else W&B praises it in any process that has imported a library it traces
            os.environ.setdefault("WANDB_DISABLE_WEAVE", "true")
        self._folder = RunFolder(run_folder)
        self._monitor, self._smaller_is_better = config["monitor"], direction(config["monitor"]) == "min"
        self._measured = (*config["metrics"], "loss")
        self._best: float | None = None
        self._max_rows = max_rows
        mine = {} if in_sweep() else {"id": run_id, "entity": entity}
        super().__init__(
            project=project,
            name=f"{group} seed {config['seed']}",
            group=group,
            job_type=kind_of_run(config),
            tags=[tag for tag in dict.fromkeys(tag[:_TAG_LENGTH] for tag in (config["study"], *tags)) if tag],
            save_dir=str(run_folder.parent),
            config={**config, "run_id": run_id},
            mode=mode(),
            resume="allow" if has_checkpoint(run_folder) else None,  # None: a run that starts over replaces it
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off"),  # what is printed is the sweep's
            **mine,
        )
        self._wandb_init.pop("anonymous")  # Lightning passes it in any case, and W&B warns of it
        if in_sweep():
            self._wandb_init["project"] = None  # the sweep's

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:  # noqa: ANN401
        """W&B's run, begun when it is first asked for.

        Lightning would go on with whatever run is open in the process, and merge two of ours into one.
        """
        if self._experiment is None:
            self._forget_earlier_attempts()
            self._experiment = wandb.init(**self._wandb_init)
            self._experiment.define_metric("trainer/global_step")
            self._experiment.define_metric("*", step_metric="trainer/global_step", step_sync=True)
            for name in self._measured:  # patterns cannot carry a summary, so each has its exact name
                for split in ("val", "test"):
                    self._experiment.define_metric(f"{split}/{name}", step_metric="trainer/global_step", summary="none")
        return self._experiment

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log, and bring the summary to this epoch if it is the best so far."""
        super().log_metrics(metrics, step)
        value = metrics.get(self._monitor)
        if value is None:
            return
        value = float(value)
        if self._best is None or (value < self._best if self._smaller_is_better else value > self._best):
            self._best = value
            self.experiment.summary.update({k: float(v) for k, v in metrics.items() if k.startswith("val/")})

    def close(self, *, result: Mapping[str, Any] | None) -> None:
        """Finish the run, so that the next one of the process is a run of its own."""
        if self._experiment is None:
            return
        try:
            if result is not None:
                facts = {name: result[name] for name in _FACTS if result.get(name) is not None}
                self._experiment.summary.update({**result["metrics"], **facts, **result.get("parameters", {})})
                if self._max_rows:
                    self._log_predictions()
        finally:
            self._experiment.finish(exit_code=1 if result is None else 0)
            self._experiment = None

    def _log_predictions(self) -> None:
        found = capped_predictions(self._folder, split="test", max_rows=self._max_rows)
        if found is None:
            return
        logged: dict[str, Any] = {"test/predictions": wandb.Table(columns=list(found.columns), data=list(found.rows))}
        if (confusion := found.confusion) is not None:
            logged["test/confusion"] = wandb.plot.confusion_matrix(
                y_true=confusion.labels, preds=confusion.predicted, class_names=confusion.names,
                title="test: confusion matrix",
            )  # fmt: skip
        self.experiment.log(logged)

    def _forget_earlier_attempts(self) -> None:
        """Offline, each attempt is a folder; the present one holds all of the run, and replaces the others."""
        if self._wandb_init["mode"] == "offline" and not in_sweep():
            for earlier in self._folder.path.parent.glob(f"wandb/offline-run-*-{self._id}"):
                if not any(earlier.glob("*.synced")):  # what has been sent is W&B's to keep
                    shutil.rmtree(earlier, ignore_errors=True)


def _require_project(project: str) -> None:
    """Refuse what W&B refuses when a run begins.

    Raises:
        UserError: If it refuses the project's name or ``WANDB_MODE``.
    """
    if set(project) & set(_NOT_IN_PROJECTS) or len(project) > _PROJECT_LENGTH:
        rule = f"at most {_PROJECT_LENGTH} characters and none of {' '.join(_NOT_IN_PROJECTS)}"
        raise UserError(f"logger.wandb.project must have {rule}, got {project}")
    if mode() not in _MODES:
        raise UserError(f"WANDB_MODE must be {', '.join(_MODES[:-1])} or {_MODES[-1]}, got {mode()}")


def in_sweep() -> bool:
    """Whether a W&B agent started this process; project and id are the agent's then."""
    return bool(os.environ.get("WANDB_SWEEP_ID"))


def mode() -> str:
    """``WANDB_MODE`` if it is set; else online with a key, and offline without."""
    return os.environ.get("WANDB_MODE") or ("online" if has_key() else "offline")

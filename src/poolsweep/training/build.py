"""From a config and what it reads to the objects of a run."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch

from poolsweep.config import RunConfig
from poolsweep.device import leave_memory_unfilled, set_matmul_precision
from poolsweep.distributed.world import ALONE, World
from poolsweep.loggers.metrics_logger import MetricsLogger
from poolsweep.model.classifier import Classifier
from poolsweep.model.outcome import Outcome
from poolsweep.probe.run import ProbeRun
from poolsweep.probe.untrained import Untrained, UntrainedRun
from poolsweep.process.collector import importing
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.assemble import assemble
from poolsweep.training.loggers import build_loggers
from poolsweep.training.make import make
from poolsweep.training.prepare import Prepared, fresh

_log = logging.getLogger(__name__)


class Run(Protocol):
    """A run that is ready to be fitted, by Lightning or by a solver."""

    @property
    def classifier(self) -> Classifier:
        """What is trained and saved."""
        ...

    @property
    def text_facts(self) -> Mapping[str, Mapping[str, float]]:
        """What the result says of texts, see ``text_facts``."""
        ...

    @property
    def loggers(self) -> Sequence[MetricsLogger]:
        """Where its metrics go."""
        ...

    @property
    def seconds_before(self) -> float:
        """What earlier processes took for the part that this one goes on from."""
        ...

    @property
    def writes_checkpoints(self) -> bool:
        """Whether it saves anything before it ends, unless it is asked to leave."""
        ...

    def fit(self, folder: RunFolder, status: StatusFile) -> Outcome:
        """Fit, select on validation, test once, and write weights and predictions."""
        ...

    def remove_checkpoints(self) -> None:
        """Remove what only an interrupted run needs."""
        ...


@importing()
def build(
    config: RunConfig,
    prepared: Prepared,
    *,
    folder: RunFolder,
    run_id: str,
    status: StatusFile,
    check_lock: Callable[[], None] = lambda: None,
    world: World = ALONE,
    micro_batches: int = 1,
) -> Run:
    """Make all objects of a run.

    Args:
        config: The run's, validated.
        prepared: From ``prepare``.
        folder: Folder that the run writes to.
        run_id: Identity of the run.
        status: Status file, which is told how the run goes.
        check_lock: Called before anything is written; raises if another process has the run now.
        world: This process among those that train the run, which have joined.
        micro_batches: Steps that each batch is divided into.
    """
    set_matmul_precision(config.matmul_precision)
    leave_memory_unfilled()
    _seed_everything(config.init_seed)
    prepared = fresh(prepared, config)
    encoder = prepared.loaded.encoder
    _log.info("%s: %s", encoder.name, encoder.cpu_kernels)
    if not config.is_probe:
        from poolsweep.training.build_training import build_training  # Lightning takes seconds to import

        return build_training(
            config, prepared, folder=folder, run_id=run_id, status=status, check_lock=check_lock, world=world,
            micro_batches=micro_batches,
        )  # fmt: skip
    made = assemble(config, prepared, status=status)
    classifier, data, facts = made.classifier, made.data, made.text_facts
    loggers = build_loggers(config, folder=folder, run_id=run_id, check_lock=check_lock)
    probe = make(config.trainer, monitor=config.monitor, loggers=loggers)
    if isinstance(probe, Untrained):
        return UntrainedRun(classifier, data, config.task, prepared.contract, probe, facts, check_lock)
    return ProbeRun(classifier, data, config.task, prepared.contract, probe, facts, check_lock, config.data_seed)


def _seed_everything(seed: int) -> None:
    """As Lightning's, but without leaving a variable in the environment, by which it would seed later runs too."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)

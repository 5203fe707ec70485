"""Runs a sweep in the caller's process, and leaves the process as it was."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobRuntime
from hydra.types import RunMode
from hydra.version import VersionBase, setbase

from poolsweep.cli.quoting import quoted
from poolsweep.cli.refused import in_one_line, is_hydras
from poolsweep.cli.single_run import end_workers, run_composed
from poolsweep.conf_dir import conf_dir
from poolsweep.errors import UserError
from poolsweep.process.signals import Interrupted, stop_signals
from poolsweep.process.warning_filters import QUIETED
from poolsweep.terminal.progress import silent

_one_at_a_time = threading.RLock()  # Hydra's state, random states and torch's settings belong to the whole process
_OF_HYDRA: tuple[Any, ...] = (GlobalHydra, HydraConfig, JobRuntime, VersionBase)


def sweep(overrides: Sequence[str], *, progress: bool) -> Path:
    """Do what ``poolsweep train -m`` does with these overrides, in this process and without printing the answer.

    Args:
        overrides: Overrides as they are typed.
        progress: Whether to show how far it is.
    Returns:
        The folder of the study.
    Raises:
        UserError: For whatever Hydra refuses, and whatever is wrong with configs, files and labels.
        SweepFailedError: If a run failed; the others stand.
        KeyboardInterrupt: If Ctrl-C came; the same call goes on from there.
    """
    arguments = quoted(overrides)
    try:
        with contained(progress=progress):
            setbase("1.3")
            hydra = Hydra.create_main_hydra2("poolsweep train", create_config_search_path(str(conf_dir())))
            config = hydra.compose_config("train", arguments, RunMode.MULTIRUN)
            study = Path(str(config.output_root)) / str(config.study)
            hydra.multirun("train", run_composed, arguments, with_log_configuration=False)
            return study
    except UserError:
        raise
    except Exception as error:
        if is_hydras(error):
            raise UserError(in_one_line(error, arguments)) from error
        raise


@contextmanager
def contained(*, progress: bool) -> Iterator[None]:
    """Runs are made in this block, one block at a time; what they change in the process is put back.

    Args:
        progress: Whether to show how far it is.
    Raises:
        KeyboardInterrupt: If Ctrl-C came, once the step under way has been saved.
    """
    with _one_at_a_time, ExitStack() as after:
        after.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="IProgress not found")  # tqdm's, of a notebook without widgets
        after.enter_context(silent(progress=not progress, answers=True))
        for restore in (_hydra_state(), _random_state(), _torch_settings(), _log_levels()):
            after.callback(restore)
        after.callback(end_workers)
        try:
            with stop_signals:
                yield
        except Interrupted as interruption:
            if interruption.signum == signal.SIGINT:
                raise KeyboardInterrupt from interruption
            signal.raise_signal(interruption.signum)  # the caller's own handler is in place again
            raise


def _hydra_state() -> Callable[[], None]:
    """Put Hydra's singletons aside: the caller may be a Hydra program, too."""
    instances = Singleton._instances
    before = {kind: instances.pop(kind, None) for kind in _OF_HYDRA}

    def restore() -> None:
        for kind, instance in before.items():
            instances.pop(kind, None)
            if instance is not None:
                instances[kind] = instance

    return restore


def _random_state() -> Callable[[], None]:
    python, of_numpy = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    of_torch = None if torch is None else torch.get_rng_state()

    def restore() -> None:
        random.setstate(python)
        np.random.set_state(of_numpy)
        if torch is not None:
            torch.set_rng_state(of_torch)

    return restore


def _log_levels() -> Callable[[], None]:
    before = {name: logging.getLogger(name).level for name in QUIETED}

    def restore() -> None:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)

    return restore


def _torch_settings() -> Callable[[], None]:
    """What Lightning and a run set for the process: of a torch that the caller has loaded, else its defaults."""
    environment = {name: os.environ.get(name) for name in ("CUBLAS_WORKSPACE_CONFIG", "PL_GLOBAL_SEED")}
    torch = sys.modules.get("torch")
    precision = "highest" if torch is None else torch.get_float32_matmul_precision()
    deterministic = torch is not None and torch.are_deterministic_algorithms_enabled()
    warns = torch is not None and torch.is_deterministic_algorithms_warn_only_enabled()

    def restore() -> None:
        for name, value in environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        if (loaded := sys.modules.get("torch")) is not None:
            loaded.set_float32_matmul_precision(precision)
            loaded.use_deterministic_algorithms(deterministic, warn_only=warns)

    return restore

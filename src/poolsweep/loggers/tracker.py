"""What every tracker has in common: one run there per run here, whatever ends it."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poolsweep.config import Node, RunConfig
from poolsweep.config.probe import is_probe
from poolsweep.distributed.group import leads
from poolsweep.runs.secrets import without_secrets

_log = logging.getLogger(__name__)


class Tracker(ABC):
    """Mixed into Lightning's loggers.

    ``build`` passes four things to each: ``run_id``, ``run_folder`` (trackers that keep files keep them beside it, one
    place per study), ``group`` (``data/pooling``) and ``config``. The run folder is what counts: a tracker holds what a
    person wants to look at, and an attempt that is run again takes the place of the one before it.

    Attributes:
        needs: Package and extra that must be installed; None = nothing more than poolsweep.
    """

    needs: ClassVar[str | None] = None

    def replay(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Log what an earlier process of the run had logged up to the checkpoint that it goes on from.

        Args:
            rows: The lines of metrics.csv, each with its ``step``.
        """
        for row in rows:
            values = {name: value for name, value in row.items() if name != "step"}
            self.log_metrics(values, step=int(row["step"]))  # type: ignore[attr-defined]

    @abstractmethod
    def close(self, *, result: Mapping[str, Any] | None) -> None:
        """Write what is left, so that nothing stays open for the next run of the process.

        Args:
            result: The content of result.json; None if the run failed or was interrupted.
        """


def close_loggers(loggers: Iterable[object], *, result: Mapping[str, Any] | None) -> None:
    """Close every tracker; one that cannot be closed is named in the log and changes nothing about the run.

    Args:
        loggers: Loggers of the run.
        result: Content of result.json; None if the run failed or was interrupted.
    """
    if not leads():
        return
    for logger in loggers:
        if isinstance(logger, Tracker):
            try:
                logger.close(result=result)
            except Exception as error:  # of a server, a disk, a library; the result is on the disk already
                _log.warning("%s could not be closed: %s", type(logger).__name__, error)


def shown_config(config: RunConfig) -> Node:
    """What a tracker is told of a config: all but how runs are tracked, and no keys."""
    return Node(without_secrets(config.content.without("logger", "trusted").plain()))


def flat(node: Mapping[str, object], prefix: str = "") -> dict[str, str | int | float | bool]:
    """Dotted key → value; lists become text.

    Example:
        >>> flat({"a": {"b": 1, "c": [1, 2]}, "d": None})
        {'a.b': 1, 'a.c': '[1, 2]', 'd': 'null'}
    """
    found: dict[str, str | int | float | bool] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = (
                "null" if value is None else value if isinstance(value, str | int | float) else str(value)
            )
    return found


def has_checkpoint(run_folder: Path) -> bool:
    """Whether a run has a checkpoint to go on from."""
    return any((run_folder / "checkpoints").glob("step-*.ckpt"))


def kind_of_run(config: Node) -> str:
    """``probe``, ``frozen`` or ``fine-tune``: how it comes by its head."""
    if is_probe(config):
        return "probe"
    return "frozen" if config["encoder"]["frozen"] else "fine-tune"

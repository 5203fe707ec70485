"""Metrics of the user's own, torchmetrics classes that a config names, over all rows of a split at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poolsweep.distributed.group import all_gather
from poolsweep.errors import UserError
from poolsweep.tasks import Contract

if TYPE_CHECKING:
    from torchmetrics import Metric

_log = logging.getLogger("poolsweep")


class OwnMetrics:
    """Measures a split by classes that this project does not know.

    Each is called once for a split, in one process, with what is stored of the predictions and with the targets:
    probabilities (N, C) and label ids (N,) of classes, probabilities and marks (N, C) of several labels, scores (N,)
    and (N,) in the units of the data.

    Args:
        metrics: Name → metric.
        predicted: Gives what is stored (B, C) by a contract of logits (B, C).
        monitor: The metric that selects, perhaps one of these.
    """

    def __init__(
        self,
        metrics: Mapping[str, Metric],
        *,
        predicted: Callable[[Contract, Tensor], Tensor],
        monitor: str | None = None,
    ) -> None:
        self._metrics, self._predicted, self._monitor = metrics, predicted, monitor
        self._found: list[tuple[Tensor, Tensor]] = []

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Take note of a batch; logits (B, C), targets (B, …)."""
        if self._metrics:
            self._found.append((logits.detach().cpu(), targets.cpu()))

    def compute(self, contract: Contract, *, prefix: str) -> dict[str, Tensor]:
        """Measure the rows of all processes, and forget them.

        A value that is no finite number is left out, unless it selects: then training has diverged.

        Args:
            contract: Contract that the split is measured by.
            prefix: ``val/`` or ``test/``.
        Raises:
            UserError: If a metric does not take such predictions.
        """
        if not self._metrics:
            return {}
        parts = [part for of_one in all_gather(self._found) for part in of_one]
        self._found.clear()
        logits, targets = (torch.cat(side) for side in zip(*parts, strict=True))
        outputs = self._predicted(contract, logits)
        if not bool(outputs.isfinite().all()):
            return {f"{prefix}{name}": torch.tensor(math.nan) for name in self._metrics}
        outputs = outputs[:, 0] if outputs.shape[1] == 1 else outputs
        found = {f"{prefix}{n}": _measured(n, metric, outputs, targets) for n, metric in self._metrics.items()}
        odd = {name: value for name, value in found.items() if not value.isfinite() and name != self._monitor}
        for name, value in odd.items():
            _log.warning("%s is %s, and not recorded", name, value.item())
        return {name: value for name, value in found.items() if name not in odd}


def _measured(name: str, metric: Metric, outputs: Tensor, targets: Tensor) -> Tensor:
    try:
        metric.reset()
        metric.update(outputs, targets)
        value = torch.as_tensor(metric.compute())
        if value.numel() != 1:
            raise ValueError(f"it gives {tuple(value.shape)} numbers instead of one")
    except Exception as error:  # code of the user's own raises what it likes
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"own_metrics.{name} ({type(metric).__name__}) cannot measure: {reason}") from error
    return value.detach().double().reshape(())

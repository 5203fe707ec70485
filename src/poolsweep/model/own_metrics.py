"""Metrics of the user's own, torchmetrics classes that a config names, over all rows of a split at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torchmetrics import Metric

from poolsweep.distributed.group import all_gather
from poolsweep.errors import UserError

_log = logging.getLogger("poolsweep")


class OwnMetrics:
    """Measures a split by classes that this project does not know.

    Each is called once for a split, in one process, with what is stored of the predictions and with the targets:
    probabilities (N, C) and label ids (N,) of classes, probabilities and marks (N, C) of several labels, scores (N,)
    and (N,) in the units of the data.

    Args:
        metrics: Name → metric.
        predicted: Gives what is stored (B, C) of logits (B, C).
    """

    def __init__(self, metrics: Mapping[str, Metric], *, predicted: Callable[[Tensor], Tensor]) -> None:
        self._metrics, self._predicted = metrics, predicted
        self._found: list[tuple[Tensor, Tensor]] = []

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Take note of a batch; logits (B, C), targets (B, …)."""
        if self._metrics:
            self._found.append((self._predicted(logits.detach()).cpu(), targets.cpu()))

    def compute(self, *, prefix: str) -> dict[str, Tensor]:
        """Measure the rows of all processes, and forget them; a value that is no finite number is left out.

        Args:
            prefix: ``val/`` or ``test/``.
        Raises:
            UserError: If a metric does not take such predictions.
        """
        if not self._metrics:
            return {}
        parts = [part for of_one in all_gather(self._found) for part in of_one]
        self._found.clear()
        outputs, targets = (torch.cat(side) for side in zip(*parts, strict=True))
        outputs = outputs[:, 0] if outputs.shape[1] == 1 else outputs
        found = {name: _measured(name, metric, outputs, targets) for name, metric in self._metrics.items()}
        for name, value in found.items():
            if not value.isfinite():
                _log.warning("own_metrics.%s is %s on %s, and not recorded", name, value.item(), prefix.rstrip("/"))
        return {f"{prefix}{name}": value for name, value in found.items() if value.isfinite()}


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

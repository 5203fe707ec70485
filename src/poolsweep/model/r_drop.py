"""R-Drop: two passes under other dropout, whose outputs shall agree."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from poolsweep.loss.loss import Loss


class RDrop:
    """What two passes of the same texts differ by, times a weight: added to the mean of both losses.

    Texts count as they do in the loss, so that the sum is the same however a step is divided.

    Args:
        weight: Factor, alpha in the paper.
        divergence: Called with two logits (B, C); gives how far the outputs of each text are apart, (B,).
        loss: Loss of the run.
    Reference:
        Liang et al. (2021), "R-Drop: Regularized Dropout for Neural Networks", arXiv:2106.14448, eq. 4. Differs: of
        both losses the mean is taken, as in the authors' code, instead of the sum: rates keep their meaning.
    """

    def __init__(self, weight: float, *, divergence: Callable[[Tensor, Tensor], Tensor], loss: nn.Module) -> None:
        self._weight, self._divergence, self._loss = weight, divergence, loss

    def __call__(self, one: Tensor, other: Tensor, targets: Tensor) -> Tensor:
        """The weighted mean over the texts of a batch; logits (B, C) of both passes, targets (B, …)."""
        apart = self._divergence(one, other)
        counts = self._loss.weights_of(targets) if isinstance(self._loss, Loss) else None
        mean = apart.mean() if counts is None else (apart * counts.to(apart)).sum() / counts.to(apart).sum()
        return self._weight * mean

"""Dropout whose random numbers cost a fraction of torch's on a CPU, where they take a quarter of a training step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_STEPS = 2**16  # one 16-bit draw per element; p is met to 1/131072, and the scale is that of the p that is met


def fast_dropout(values: Tensor, p: float) -> Tensor:
    """Zero each element with probability ``p`` and scale the others up, from torch's global generator.

    Args:
        values: A tensor of any shape; on a CPU four elements share a 64-bit draw, elsewhere torch's dropout is called.
        p: Probability, met to the nearest 1/65536.
    """
    dropped = round(p * _STEPS)
    if values.device.type != "cpu" or dropped in (0, _STEPS):
        return nn.functional.dropout(values, p)
    count = values.numel()
    draws = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    kept = draws.view(torch.int16)[:count].view(values.shape) >= dropped - _STEPS // 2
    return values * kept.to(values.dtype).mul_(_STEPS / (_STEPS - dropped))


class FastDropout(nn.Dropout):
    """``nn.Dropout`` by :func:`fast_dropout`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Drop elements in training mode.

        Shape:
            input of any shape; returns the same.
        """
        return fast_dropout(input, self.p) if self.training else input

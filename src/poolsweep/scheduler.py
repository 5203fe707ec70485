"""How the learning rates rise and fall over a run."""

from __future__ import annotations

import math
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from poolsweep.bounds import Share
from poolsweep.process.collector import importing

Shape = Literal["linear", "cosine", "constant"]


def schedule(optimizer: Optimizer, *, total_steps: int, shape: Shape = "linear", warmup_ratio: Share = 0.1) -> LambdaLR:
    """Make one of transformers' schedules.

    Args:
        optimizer: Optimizer, whose rates are scheduled.
        total_steps: Optimizer steps of the whole run.
        shape: After the warm-up: ``linear`` or ``cosine`` fall to zero, or ``constant``.
        warmup_ratio: Share of the steps in which the rate rises from zero.
    """
    with importing():  # peft comes along where it is installed, and a probe has no schedule
        from transformers import get_scheduler

    name = "constant_with_warmup" if shape == "constant" else shape
    warmup = math.ceil(total_steps * warmup_ratio)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total_steps)
    assert isinstance(scheduler, LambdaLR)
    return scheduler

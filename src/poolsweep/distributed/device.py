"""Which device a process of a run computes on."""

from __future__ import annotations

import torch

from poolsweep.config import RunConfig
from poolsweep.distributed.world import World


def device_of(config: RunConfig, world: World | None) -> torch.device:
    """What a process of a run computes on.

    Args:
        config: The run's.
        world: This process among those of the run; None = it only starts them, and touches no GPU.
    """
    if world is None:
        return torch.device("cpu")
    if config.accelerator != "cuda":
        return torch.device(config.accelerator)
    chosen = config.trainer["devices"]
    if isinstance(chosen, str) and "," in chosen:
        chosen = [int(part) for part in chosen.split(",") if part.strip()]
    return torch.device("cuda", int(chosen[world.local_rank]) if isinstance(chosen, list) else world.local_rank)

"""From the keys of ``trainer`` to what Lightning's Trainer is given: strategy, precision and processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from pytorch_lightning.plugins.precision import MixedPrecision, Precision

from poolsweep.config import RunConfig
from poolsweep.data.batch import Batch
from poolsweep.distributed.ddp import DDP
from poolsweep.distributed.external_processes import ExternalProcesses
from poolsweep.distributed.fsdp import FSDP
from poolsweep.distributed.world import World

_OURS = ("on_oom",)  # keys of the group that are not Lightning's


def trainer_arguments(config: RunConfig, world: World) -> dict[str, Any]:
    """The options of a Trainer that is one process of ``world``.

    Args:
        config: The run's.
        world: Processes that have joined.
    """
    given, device = config.trainer.without(*_OURS).plain(), config.accelerator
    plugins: list[Any] = [ExternalProcesses(world)]
    if config.precision == "16-mixed":  # Lightning would take bfloat16 on a CPU
        plugins.append(MixedPrecision("16-mixed", device, torch.amp.GradScaler(device)))
        given["precision"] = None
    strategy: Any = "auto"
    if world.size > 1:
        grows = config.encoder.get("unfreeze_every") is not None  # DDP must not wait for weights that are still frozen
        strategy = FSDP() if config.trainer["strategy"] == "fsdp" else DDP(find_unused_parameters=grows)
    return given | {"strategy": strategy, "plugins": plugins}


def keep_targets(plugin: Precision) -> None:
    """Leave targets as they are, where Lightning turns all floats of a batch into the precision of the run.

    Args:
        plugin: The precision plugin of a Trainer.
    """
    convert = plugin.convert_input

    def converted(data: Batch) -> Batch:
        return replace(convert(data), targets=data.targets)

    plugin.convert_input = converted

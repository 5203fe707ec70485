"""How many processes a run has, and what does not go with many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from poolsweep.device import accelerator_type, canonical_devices, canonical_precision


def devices_of(trainer: Mapping[str, Any]) -> int:
    """How many devices of a machine a trainer's config asks for: a number, a list of them, ``auto`` or -1 for all.

    Example:
        >>> [devices_of({"devices": devices, "accelerator": "cpu"}) for devices in (2, "2", [0, 3], "auto")]
        [2, 2, 2, 1]
    """
    asked = canonical_devices(trainer.get("devices", 1))
    if isinstance(asked, int):
        return asked
    if asked != "auto":
        return 1
    return torch.cuda.device_count() if accelerator_type(str(trainer.get("accelerator", "auto"))) == "cuda" else 1


def processes_of(trainer: Mapping[str, Any]) -> int:
    """How many processes a trainer's config asks for, on all machines: one per device."""
    nodes = trainer.get("num_nodes", 1)
    return devices_of(trainer) * (nodes if isinstance(nodes, int) else 1)


def distribution_problems(config: Mapping[str, Any]) -> list[str]:
    """What in a resolved config does not go with many devices."""
    trainer = config.get("trainer") or {}
    strategy, problems = trainer.get("strategy", "auto"), []
    if processes_of(trainer) < 2:
        return problems
    if strategy == "fsdp" and canonical_precision(trainer.get("precision", 32)) == "16-mixed":
        problems.append("trainer.strategy=fsdp and trainer.precision=16-mixed do not go together; use bf16-mixed")
    if strategy == "fsdp" and (config.get("encoder") or {}).get("frozen"):
        problems.append("trainer.strategy=fsdp shards an encoder that is trained, and encoder.frozen=true; use ddp")
    return problems

"""What the machine lacks of what a config asks for."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import torch

from poolsweep.device import accelerator_type, canonical_devices, canonical_precision, planned_accelerator
from poolsweep.errors import did_you_mean
from poolsweep.process.cpu_affinity import most_processes

_PRECISIONS = (
    "32-true", "64-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true",
)  # fmt: skip


def device_problems(trainer: Mapping[str, Any]) -> list[str]:
    """What the machine lacks of what a trainer's config asks for."""
    asked = str(trainer.get("accelerator", "auto"))
    device, precision = accelerator_type(asked), canonical_precision(trainer.get("precision", 32))
    if precision not in _PRECISIONS:
        hint = did_you_mean(precision, _PRECISIONS)
        return [f"trainer.precision={trainer['precision']} is none of {', '.join(_PRECISIONS)}{hint}"]
    if planned_accelerator() is not None:
        return _problems_elsewhere(asked, device, precision)
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "gpu" and device == "cpu":
        return ["trainer.accelerator=gpu: this machine has no GPU that torch can use; trainer.accelerator=cpu runs"]
    if device in available and not available[device]:
        return [f"trainer.accelerator={asked}: torch sees no {device} device here; trainer.accelerator=auto runs"]
    if device == "mps" and (problem := _problem_on_mps(trainer, precision)) is not None:
        return [problem]
    if device == "cpu" and precision == "16-true":
        return [f"trainer.precision={trainer['precision']} needs a GPU, and this run is on the CPU; use bf16-true"]
    if device == "cuda" and precision.startswith("bf16") and not torch.cuda.is_bf16_supported():
        return [f"trainer.precision={trainer['precision']}: this GPU has no bfloat16; use 16-mixed"]
    devices = trainer.get("devices", 1)
    if device == "cpu" and (problem := _problem_on_cpu(devices)) is not None:
        return [problem]
    if device == "cuda" and isinstance(devices, int) and devices > torch.cuda.device_count():
        return [f"trainer.devices={devices}: torch sees {torch.cuda.device_count()} GPUs here"]
    return []


def _problem_on_cpu(devices: int | str | list[int]) -> str | None:
    """Why a run cannot have so many processes on the CPU, which is one device that they share."""
    count = canonical_devices(devices)
    if isinstance(devices, list) or "," in str(devices) or str(devices) == "-1":
        return f"trainer.devices={devices} names devices, and the CPU is one; a number starts as many processes"
    if isinstance(count, int) and count > most_processes():
        return f"trainer.devices={devices} would start as many processes on the CPU; at most {most_processes()} here"
    return None


def _problem_on_mps(trainer: Mapping[str, Any], precision: str) -> str | None:
    """What a Mac's GPU does not do."""
    if precision == "64-true":
        return f"trainer.precision={trainer['precision']}: MPS has no float64; trainer.accelerator=cpu has"
    if precision.startswith("bf16") and platform.machine() != "arm64":
        return f"trainer.precision={trainer['precision']}: this Mac's GPU has no bfloat16; use 16-mixed"
    if canonical_devices(trainer.get("devices", 1)) not in {1, "auto"}:
        return f"trainer.devices={trainer['devices']}: a Mac has one MPS device; trainer.devices=1"
    return None


def worker_problems(data: Mapping[str, Any]) -> list[str]:
    """Whether the machine can hold the processes that prepare batches."""
    workers = data.get("num_workers", 0)
    if planned_accelerator() is not None or workers <= most_processes():
        return []
    return [f"data.num_workers must be at most {most_processes()} on this machine, got {workers}"]


def _problems_elsewhere(asked: str, device: str, precision: str) -> list[str]:
    """What can be told without seeing the machine."""
    if planned_accelerator() == "cpu" and (device == "cuda" or asked == "gpu"):
        return [
            f"trainer.accelerator={asked} needs GPUs, and the launcher asks for none; hydra.launcher.gpus=auto does"
        ]
    if device == "cpu" and precision in {"16-mixed", "16-true"}:
        return [f"trainer.precision={precision} needs a GPU, and the launcher asks for none; use bf16-mixed"]
    return []

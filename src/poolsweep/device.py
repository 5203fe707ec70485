"""Which device a run is on, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from poolsweep.cores import most_processes
from poolsweep.run.identity import canonical_devices, canonical_precision

_PRECISIONS = (
    "32-true", "64-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true",
)  # fmt: skip


_elsewhere: str | None = None


def runs_elsewhere(accelerator: str | None) -> None:
    """Say that runs are planned here and done on other machines, where ``auto`` finds this; None = they are done here.

    Args:
        accelerator: cpu or cuda.
    """
    global _elsewhere
    _elsewhere = accelerator


def accelerator_type(accelerator: str) -> str:
    """The type of device that Lightning's ``accelerator`` stands for where runs are done: cpu, cuda or mps."""
    if accelerator in {"auto", "gpu"}:
        if _elsewhere is not None:
            return _elsewhere
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    return accelerator


def set_matmul_precision(precision: str) -> None:
    """How float32 matrices are multiplied, on all devices, and what convolutions and LSTMs on GPUs do.

    Args:
        precision: ``highest`` is float32 throughout; ``high`` lets GPUs use TensorFloat32, ``medium`` bfloat16.
    """
    torch.set_float32_matmul_precision(precision)
    # Not the newer `fp32_precision` of each operation: torch's compiler and exporter read this one, and torch refuses
    # to read it once the other has been set.
    torch.backends.cudnn.allow_tf32 = precision != "highest"


def leave_memory_unfilled() -> None:
    """Keep ``trainer.deterministic`` from filling new memory, which no operation reads before it writes there."""
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]


def device_problems(trainer: Mapping[str, Any]) -> list[str]:
    """What the machine lacks of what a trainer's config asks for."""
    asked = str(trainer.get("accelerator", "auto"))
    device, precision = accelerator_type(asked), canonical_precision(trainer.get("precision", 32))
    if precision not in _PRECISIONS:
        return [f"trainer.precision={trainer['precision']} is none of {', '.join(_PRECISIONS)}"]
    if _elsewhere is not None:
        return _problems_elsewhere(asked, device, precision)
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "gpu" and device == "cpu":
        return ["trainer.accelerator=gpu: this machine has no GPU that torch can use; trainer.accelerator=cpu runs"]
    if device in available and not available[device]:
        return [f"trainer.accelerator={asked}: torch sees no {device} device here; trainer.accelerator=auto runs"]
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


def worker_problems(data: Mapping[str, Any]) -> list[str]:
    """Whether the machine can hold the processes that prepare batches."""
    workers = data.get("num_workers", 0)
    if _elsewhere is not None or workers <= most_processes():
        return []
    return [f"data.num_workers must be at most {most_processes()} on this machine, got {workers}"]


def _problems_elsewhere(asked: str, device: str, precision: str) -> list[str]:
    """What can be told without seeing the machine."""
    if _elsewhere == "cpu" and (device == "cuda" or asked == "gpu"):
        return [
            f"trainer.accelerator={asked} needs GPUs, and the launcher asks for none; hydra.launcher.gpus=auto does"
        ]
    if device == "cpu" and precision in {"16-mixed", "16-true"}:
        return [f"trainer.precision={precision} needs a GPU, and the launcher asks for none; use bf16-mixed"]
    return []

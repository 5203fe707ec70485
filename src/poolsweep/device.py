"""Which device a run is on, and what it can do."""

from __future__ import annotations

import torch

_FULL_NAMES = {"32": "32-true", "64": "64-true", "16": "16-mixed", "bf16": "bf16-mixed"}
_WITHOUT_FLOAT64 = {"mps"}
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


def has_float64(device: torch.device | str) -> bool:
    """Whether a device computes in float64; Apple's MPS does not."""
    return torch.device(device).type not in _WITHOUT_FLOAT64


def in_float64(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor in float64: where it is, or on the CPU if its device has no float64.

    Example:
        >>> in_float64(torch.ones(2)).dtype
        torch.float64
    """
    return (tensor if has_float64(tensor.device) else tensor.cpu()).double()


def on_device(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """A tensor on a device, in float32 if the device has no float64.

    Only a copy to CUDA may go on while the program does: one to MPS may not have ended when it is read.
    """
    kept = tensor if has_float64(device) or tensor.dtype != torch.float64 else tensor.float()
    return kept.to(device, non_blocking=torch.device(device).type == "cuda")


def device_for_float64(accelerator: str) -> torch.device:
    """The device of an accelerator, or the CPU if that one has no float64."""
    found = torch.device(accelerator_type(accelerator))
    return found if has_float64(found) else torch.device("cpu")


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


def planned_accelerator() -> str | None:
    """What ``runs_elsewhere`` was told; None = runs are done here."""
    return _elsewhere


def canonical_precision(precision: str | int) -> str:
    """Lightning's full name of a precision.

    Example:
        >>> canonical_precision(32), canonical_precision("bf16-mixed")
        ('32-true', 'bf16-mixed')
    """
    return _FULL_NAMES.get(str(precision), str(precision))


def canonical_devices(devices: int | str | list[int]) -> int | str:
    """How many devices a trainer asks for, whichever these are; ``auto`` for all.

    Example:
        >>> [canonical_devices(asked) for asked in (2, "2", [0, 3], "0,3", [1], "auto", -1)]
        [2, 2, 2, 2, 1, 'auto', 'auto']
    """
    if isinstance(devices, list):
        return len(devices)
    text = str(devices)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if text in {"auto", "-1"}:
        return "auto"
    if not parts or not all(part.isdigit() for part in parts):
        return text  # Lightning says what is wrong with it
    return len(parts) if "," in text else int(text)

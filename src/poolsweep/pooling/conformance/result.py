"""What a check says, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

_TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


@dataclass(frozen=True)
class CheckResult:
    """One check of one pooling in one dtype.

    Attributes:
        subject: The pooling's name.
        check: The check's name.
        dtype: Such as ``float32``.
        status: ``skipped`` where something needed is not installed, or the docstring rules the check out.
        detail: Why it failed or was skipped; empty if it passed.
    """

    subject: str
    check: str
    dtype: str
    status: Literal["passed", "failed", "skipped"]
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether the check failed."""
        return self.status == "failed"

    def __str__(self) -> str:
        """One line."""
        return f"{self.subject}: {self.check} ({self.dtype}) {self.status}" + (
            f": {self.detail}" if self.detail else ""
        )


class CheckFailed(Exception):  # noqa: N818
    """A check found the rule broken; its text says how."""


class CheckSkipped(Exception):  # noqa: N818
    """A check does not apply; its text says why."""


def require(condition: bool, detail: str) -> None:
    """Fail the running check with ``detail`` unless ``condition``.

    Raises:
        CheckFailed: If it does not hold.
    """
    if not condition:
        raise CheckFailed(detail)


def require_close(found: Tensor, expected: Tensor, what: str, *, dtype: torch.dtype, slack: float = 1.0) -> None:
    """Fail the running check unless two tensors are equal up to what ``dtype`` can hold.

    Args:
        found: What the pooling gave.
        expected: What it should have given, in any dtype.
        what: The rule, for the message.
        dtype: Of the pooling's states and parameters.
        slack: Factor of the tolerance, for long sums.
    Raises:
        CheckFailed: If shape or values differ.
    """
    require(found.shape == expected.shape, f"{what}: shape {tuple(found.shape)}, expected {tuple(expected.shape)}")
    if not found.numel():
        return
    expected = expected.double()
    require(bool(found.isfinite().all()), f"{what}: the result has NaN or infinity")
    worst = (found.double() - expected).abs().max().item()
    allowed = slack * _TOLERANCE[dtype] * (1 + expected.abs().max().item())
    require(worst <= allowed, f"{what}: differs by {worst:.3g}, at most {allowed:.3g} allowed")

"""How many rows are in a step of each device, and how many make one step of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poolsweep.config.processes import processes_of


@dataclass(frozen=True)
class BatchPlan:
    """How an optimizer step is divided.

    Attributes:
        per_device: Rows that a device has in a step.
        processes: Devices on all machines.
        accumulated: Steps whose gradients are added up.
    """

    per_device: int
    processes: int
    accumulated: int

    @property
    def effective(self) -> int:
        """Rows of one optimizer step."""
        return self.per_device * self.processes * self.accumulated

    def recorded(self, micro_batches: int) -> dict[str, int]:
        """What a device took at once when each of its batches came in so many micro-batches, as records have it."""
        return {
            "effective": self.effective,
            "per_device": -(-self.per_device // micro_batches),
            "processes": self.processes,
            "accumulated": self.accumulated * micro_batches,
        }

    def options(self, micro_batches: int, *, rows: int, validate_every: int | float) -> dict[str, int | float]:
        """The Trainer's options that count steps, when each batch comes in so many micro-batches.

        Args:
            micro_batches: Steps that each batch is divided into.
            rows: Number of rows of the training split.
            validate_every: A share of an epoch, or a number of batches.
        """
        batches = -(-rows // (self.per_device * self.processes))
        if micro_batches > 1 and isinstance(validate_every, float) and validate_every < 1:
            validate_every = max(1, int(batches * validate_every))
        interval = validate_every * micro_batches if isinstance(validate_every, int) else validate_every
        return {"accumulate_grad_batches": self.accumulated * micro_batches, "val_check_interval": interval}


def batch_plan(config: Mapping[str, Any]) -> BatchPlan:
    """The plan of a validated config.

    With ``data.effective_batch_size`` the number of accumulated steps follows from the number of devices, and
    ``data.batch_size`` is the most that a device takes at once.
    """
    processes, most = processes_of(config["trainer"]), config["data"]["batch_size"]
    effective = config["data"].get("effective_batch_size")
    if effective is None:
        return BatchPlan(most, processes, config["trainer"]["accumulate_grad_batches"])
    each = min(most, effective // processes)
    return BatchPlan(each, processes, effective // (processes * each))


def batch_problems(config: Mapping[str, Any]) -> list[str]:
    """Why an effective batch cannot be divided as a config asks."""
    data, trainer = config.get("data") or {}, config.get("trainer") or {}
    effective, most = data.get("effective_batch_size"), data.get("batch_size")
    if type(effective) is not int or type(most) is not int or effective < 1 or most < 1:
        return []
    problems = []
    if trainer.get("accumulate_grad_batches", 1) != 1:
        problems.append(
            "data.effective_batch_size decides trainer.accumulate_grad_batches, got "
            f"{trainer['accumulate_grad_batches']}; leave one of them out"
        )
    processes = processes_of(trainer)
    if effective % processes:
        asks = f"trainer.devices={trainer.get('devices', 1)} × trainer.num_nodes={trainer.get('num_nodes', 1)}"
        problems.append(f"data.effective_batch_size={effective} cannot be divided among {processes} devices ({asks})")
    elif (each := effective // processes) > most and each % most:
        fits = max(size for size in range(1, most + 1) if each % size == 0)
        problems.append(
            f"data.effective_batch_size={effective} gives each of {processes} devices {each}, which "
            f"data.batch_size={most} does not divide; data.batch_size={fits} does"
        )
    return problems

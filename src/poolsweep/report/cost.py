"""What contenders cost, and which give the most for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from poolsweep.report.comparison import Comparison

_WAITED = 2.0  # times its CPU seconds that a run takes where it waits for others


@dataclass(frozen=True)
class Cost:
    """One kind of cost of every contender.

    Attributes:
        name: For an axis, with its unit.
        values: By contender; those it was not measured of are left out.
        front: The contenders that none beats in both cost and score, cheapest first.
    """

    name: str
    values: Mapping[str, float]
    front: tuple[str, ...]


def costs(comparison: Comparison) -> list[Cost]:
    """Time, memory and size of the pooled vector; kinds that were not measured are left out."""
    means = {name: comparison.summaries[name].mean for name in comparison.names}
    kinds = {
        **({"CPU seconds per run": ("cpu_seconds",)} if load_note(comparison) else {"seconds per run": ("seconds",)}),
        "peak GPU memory, MiB": ("peak_memory_mib", "gpu"),
        "peak memory, MiB": ("peak_memory_mib", "process"),
        "size of the pooled vector": ("parameters", "pooled_size"),
    }
    found = []
    for title, keys in kinds.items():
        values = {name: comparison.contender(name).typical(*keys) for name in comparison.names}
        values = {name: value for name, value in values.items() if math.isfinite(value)}
        if values and not (keys[-1] == "process" and any("GPU" in cost.name for cost in found)):
            found.append(Cost(title, values, pareto_front(values, means)))
    return found


def load_note(comparison: Comparison) -> str | None:
    """What to say where runs waited for the CPU much of their time, so that seconds show load rather than a pooling."""
    for name in comparison.names:
        contender = comparison.contender(name)
        seconds, cpu = contender.typical("seconds"), contender.typical("cpu_seconds")
        on_cpu = (contender.any_run.facts.get("hardware") or {}).get("accelerator") == "cpu"
        if on_cpu and seconds > max(_WAITED * cpu, cpu + 1):
            return (
                f"Seconds a run are of a machine that was busy: {name} took {seconds:.1f} s for {cpu:.1f} s of CPU. "
                "Compare cpu_seconds (runs.parquet, and the figure of cost)."
            )
    return None


def pareto_front(cost: Mapping[str, float], score: Mapping[str, float]) -> tuple[str, ...]:
    """Those that no other matches at lower cost or beats at equal cost, cheapest first.

    Example:
        >>> pareto_front({"a": 1, "b": 2, "c": 3, "d": 3}, {"a": 0.5, "b": 0.4, "c": 0.7, "d": 0.6})
        ('a', 'c')
    """
    front: list[str] = []
    for name in sorted(cost, key=lambda name: (cost[name], -score[name])):
        if not front or score[name] > score[front[-1]]:
            front.append(name)
    return tuple(front)

"""Which config values the runs of a table do not share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poolsweep.report.results import RunRecord

_NOT_CONFIG = ("output_root", "study", "hydra", "trusted", "display", "logger", "optuna", "trial")


def config_differences(runs: Sequence[RunRecord]) -> dict[str, dict[str, Any]]:
    """Run id → the config values that not all runs share, by dotted name.

    The pooling and the seed are left out: every table has them anyway.
    """
    flat = {run.path.name: dict(_flatten(run.config)) for run in runs if run.config}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    shown = [n for n in names if len({repr(values.get(n)) for values in flat.values()}) > 1 and not _is_told(n, flat)]
    return {run: {name: values[name] for name in shown if name in values} for run, values in flat.items()}


def _is_told(name: str, flat: Mapping[str, Mapping[str, object]]) -> bool:
    if name == "seed" or name.startswith("pooling."):
        return True
    return name in {"init_seed", "data_seed"} and all(
        values.get(name) == values.get("seed") for values in flat.values()
    )


def _flatten(node: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if prefix or key not in _NOT_CONFIG:
            if isinstance(value, Mapping) and value:
                yield from _flatten(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value if isinstance(value, str | int | float | bool | None) else str(value)

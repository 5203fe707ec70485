"""What must hold of ``own_metrics``: torchmetrics classes of the user's own, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from poolsweep.metric_names import METRICS


def name_problems(config: Mapping[str, Any]) -> list[str]:
    """Names of the user's own metrics that cannot be."""
    return [
        f"own_metrics.{name} must have a name of letters, digits and _ that is none of {', '.join(METRICS)}"
        for name in config.get("own_metrics") or {}
        if name in METRICS or not re.fullmatch(r"\w+", name)
    ]


def selecting_problems(path: tuple[str, ...], found: Any, config: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401
    """Why a metric of the user's own cannot select, where it is to: its class must say that more of it is better.

    Args:
        path: Keys that lead to its node.
        found: The class that the node names; it may be run.
        config: Resolved.
    """
    if path[0] != "own_metrics" or getattr(found, "higher_is_better", None) is True:
        return
    metric, callbacks = f"val/{path[1]}", config.get("callbacks") or {}
    asked = {"monitor": config["monitor"]} | {f"callbacks.{n}.monitor": c.get("monitor") for n, c in callbacks.items()}
    for key, value in asked.items():
        if value == metric:
            yield (
                f"{key}={metric} needs a class that says higher_is_better = True; one of your own may give the "
                "negative of what should be low"
            )

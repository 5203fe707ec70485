"""What does not go together in how an encoder is loaded and trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolsweep.extras import lacking


def encoder_problems(config: Mapping[str, Any]) -> list[str]:
    """What in a resolved config's ``encoder`` does not go with the rest.

    Args:
        config: Resolved, its values of the right types.
    """
    encoder = config["encoder"]
    if encoder.get("adapter") is None:
        return []
    problems = []
    if (absent := lacking("peft", asked_by="encoder/adapter", extra="lora")) is not None:
        problems.append(absent)
    if encoder.get("frozen"):
        problems.append(
            "encoder/adapter trains beside an encoder, and encoder.frozen=true trains nothing: leave one out"
        )
    return problems

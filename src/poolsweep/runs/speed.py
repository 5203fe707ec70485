"""speed.json of a run folder: what serving a run costs, measured on one machine; no part of its result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from poolsweep.files.writing import read_json, write_json

_FILE = "speed.json"
_LONGEST = 200  # characters of the name of a machine


@dataclass(frozen=True)
class Speed:
    """How fast a run reads texts, and how large it is.

    Attributes:
        texts_per_second: Texts of a call, 1 or 64 → texts per second.
        weight_bytes: Size of its weights, encoder included, as they lie on a disk.
        hardware: Name of the device, its threads and the precision.
        texts: Texts that were measured.
    """

    texts_per_second: Mapping[int, float]
    weight_bytes: int
    hardware: str
    texts: int


def write_speed(run: Path, speed: Speed) -> None:
    """Write what was measured; an earlier measurement gives way.

    Args:
        run: Folder of the run.
        speed: What was measured.
    """
    write_json(run / _FILE, asdict(speed))


def read_speed(run: Path) -> Speed | None:
    """What was measured of a run; None if nothing was, or the file is not what ``write_speed`` writes.

    Args:
        run: Folder of the run.
    """
    try:
        content = read_json(run / _FILE)
    except OSError:
        return None
    if not isinstance(content, dict):
        return None
    rates, hardware = content.get("texts_per_second"), content.get("hardware")
    if not isinstance(rates, dict) or not isinstance(hardware, str):
        return None
    one, many, size, texts = rates.get("1"), rates.get("64"), content.get("weight_bytes"), content.get("texts")
    if not (_is_positive(one) and _is_positive(many) and _is_positive(size) and _is_positive(texts)):
        return None
    return Speed({1: one, 64: many}, int(size), hardware[:_LONGEST], int(texts))


def _is_positive(value: Any) -> TypeGuard[int | float]:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 < value < 1e18

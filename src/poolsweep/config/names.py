"""How data sets and encoders are called in leaderboards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def data_name(data: Mapping[str, Any]) -> str:
    """How a data set is called in leaderboards.

    Args:
        data: The node that makes its source.
    """
    if data.get("name"):
        subset = data.get("subset")
        return f"{data['name']}/{subset}" if subset else data["name"]
    if "train" in data:
        path = Path(data["train"])
        return path.absolute().parent.name if path.stem in {"train", "training", "data"} else path.stem
    *_, module, kind = f".{data['_target_']}".split(".")
    return module if module.replace("_", "") == kind.lower() else kind  # icd10.Icd10 is known by its module


def encoder_name(encoder: Mapping[str, Any]) -> str:
    """How an encoder is called before it is loaded.

    Args:
        encoder: The node that makes it.
    """
    return str(encoder.get("name") or encoder.get("model") or str(encoder["_target_"]).rpartition(".")[2])

"""Reads the results of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poolsweep.run.files import read_json


def load_results(study: Path) -> list[dict[str, Any]]:
    """The ``result.json`` of every run of a study that finished, ordered by run id.

    Args:
        study: ``<output_root>/<study>``.
    """
    found = (read_json(path) for path in sorted(study.glob("*/result.json")))
    return [result for result in found if isinstance(result, dict) and result.get("status") == "finished"]

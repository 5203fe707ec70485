"""Rows of a file, as a run reads them."""

from __future__ import annotations

from pathlib import Path

from poolsweep.config import Node
from poolsweep.data.splits import Splits
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels
from poolsweep.training.sources import load_data


def read_files(path: Path, **options: object) -> tuple[Splits, Labels]:
    """The splits and labels of ``data=files data.train=PATH``."""
    node = Node({"_target_": "poolsweep.data.sources.files.Files", "train": str(path), **options})
    return load_data(node, Classification())

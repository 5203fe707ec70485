"""What the tests of the report share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studies import write_study

MakeStudy = Callable[..., Path]


@pytest.fixture
def make_study(outputs: Path) -> MakeStudy:
    """Write a study under the output root."""

    def make(name: str = "study", **options: Any) -> Path:
        return write_study(outputs / name, **options)

    return make

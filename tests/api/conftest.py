"""A study made from Python."""

from __future__ import annotations

import pandas as pd
import pytest
from reviews import CHOICES

import poolsweep


@pytest.fixture(scope="session")
def reviews(animal_rows) -> pd.DataFrame:
    """63 texts with labels that are numbers."""
    stars = {"cat": 1, "dog": 2, "owl": 3}
    return pd.DataFrame([{"review": text, "stars": stars[label]} for text, label in animal_rows])


@pytest.fixture(scope="session")
def study(reviews, tmp_path_factory) -> poolsweep.Study:
    """Two poolings of a frozen encoder over two seeds."""
    return poolsweep.run_sweep(reviews, **CHOICES, output_root=tmp_path_factory.mktemp("outputs"))

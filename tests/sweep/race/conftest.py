"""Races over numbers, and quantiles that are good to 0.03 instead of 0.005, in a hundredth of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from numbers_race import OPTIONS, Numbers, numbered_race

from poolsweep.statistics import critical
from poolsweep.sweep.race.driver import Race
from poolsweep.sweep.race.options import RaceOptions

Start = Callable[..., tuple[Race, Numbers]]


@pytest.fixture(autouse=True)
def coarse_quantiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(critical, "NUM_POINTS", 2**10)
    critical._normal_points.cache_clear()
    yield
    critical._normal_points.cache_clear()


@pytest.fixture
def start(outputs: Path) -> Start:
    """A race over named accuracies, five seeds each."""

    def make(
        accuracy: dict[str, float], *, options: RaceOptions = OPTIONS, seeds: int = 5, lrs: Sequence[str] = ()
    ) -> tuple[Race, Numbers]:
        return numbered_race(outputs, accuracy, options=options, seeds=seeds, lrs=lrs)

    return make

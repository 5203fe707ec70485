"""Which cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from poolsweep.process import cpu_affinity
from poolsweep.process.cpu_affinity import usable_cores


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file system of a machine of its own, whose process may use cores 0 to 3 and 5."""
    monkeypatch.setattr(cpu_affinity, "Path", lambda path: tmp_path / path.removeprefix("/"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5, 3, 2, 1, 0}, raising=False)
    return tmp_path


def test_all_cores_that_the_process_may_use_and_no_other(system: Path):
    assert usable_cores() == [0, 1, 2, 3, 5]


def test_cores_that_share_a_physical_one_stand_side_by_side(system: Path):
    for core, physical in {0: 0, 1: 1, 2: 0, 3: 1, 4: 2, 5: 2}.items():
        folder = system / f"sys/devices/system/cpu/cpu{core}/topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text("0\n")
        (folder / "core_id").write_text(f"{physical}\n")
    assert usable_cores() == [0, 2, 1, 3, 5]


@pytest.mark.parametrize(("limit", "count"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 5)])
def test_no_more_cores_than_a_container_has_time_for(system: Path, limit: str, count: int):
    (system / "sys/fs/cgroup").mkdir(parents=True)
    (system / "sys/fs/cgroup/cpu.max").write_text(f"{limit}\n")
    assert usable_cores() == [0, 1, 2, 3, 5][:count]

"""Which cores this process may use."""

from __future__ import annotations

import os

import pytest

from poolsweep.process.cpu_affinity import usable_cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system cannot bind processes")
def test_only_cores_that_this_process_may_use():
    assert set(usable_cores()) <= os.sched_getaffinity(0)
    assert usable_cores()

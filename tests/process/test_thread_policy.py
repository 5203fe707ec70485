"""Threads that wait do not keep a core from those that compute."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from poolsweep.process.thread_policy import SPINS, limit_spinning

CHOICES = {
    "nothing": ({}, {"GOMP_SPINCOUNT": SPINS}),
    "a policy": ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
    "a number of spins": ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
}


@pytest.mark.parametrize("chosen", CHOICES)
def test_what_the_user_has_chosen_stays(chosen: str):
    before, after = CHOICES[chosen]
    environment = dict(before)
    limit_spinning(environment)
    assert environment == after


def test_it_is_set_before_a_process_loads_torch():
    code = "import poolsweep.cli, os, sys; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name and "GOMP" not in name}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [SPINS, "False"]

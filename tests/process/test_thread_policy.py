"""Threads that wait do not take a core from those that compute."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from poolsweep.process.thread_policy import let_threads_sleep

CHOICES = {
    "nothing": ({}, {"OMP_WAIT_POLICY": "PASSIVE"}),
    "a policy": ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
    "a number of spins": ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
}


@pytest.mark.parametrize("chosen", CHOICES)
def test_what_the_user_has_chosen_stays(chosen: str):
    before, after = CHOICES[chosen]
    environment = dict(before)
    let_threads_sleep(environment)
    assert environment == after


def test_it_is_set_before_a_process_loads_torch():
    code = "import poolsweep.cli, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["PASSIVE", "False"]

"""Imports are left alone by the garbage collector, and everything else is collected as before."""

from __future__ import annotations

import gc
import subprocess
import sys

from poolsweep.process.collector import importing
from poolsweep.terminal.progress import loading


def test_nothing_is_collected_while_importing_and_the_collector_runs_again_after_it():
    assert gc.isenabled()
    frozen = gc.get_freeze_count()
    with importing(), loading("more"):
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen, "a process that is not ours keeps all of its objects collectable"


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_in_a_process_of_ours_what_was_imported_is_frozen_and_garbage_is_not():
    program = """
import gc
from poolsweep.process.collector import importing, own_process
own_process()
with importing():
    import json, decimal, fractions
frozen = gc.get_freeze_count()
assert frozen > 1000
with importing():
    cycle = []; cycle.append(cycle); del cycle
assert gc.get_freeze_count() == frozen, "nothing was imported"
assert gc.collect() >= 1
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")

"""How OpenMP's threads wait for each other. Torch reads it when it is loaded, so this is imported before it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

SPINS = "3000"  # some microseconds: experiments/speed says what more and fewer cost


def limit_spinning(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait spin for a moment and then sleep, here and in all processes started from here.

    GNU's OpenMP spins 300,000 times. Where other processes want the cores, those spins take them from whoever computes:
    a run takes six times as long. Sleeping at once costs an idle machine a third of its speed. A choice of the user's
    stays.

    Args:
        environment: Variables that OpenMP reads.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = SPINS

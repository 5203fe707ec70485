"""How OpenMP's threads wait for each other. Torch reads it when it is loaded, so this is imported before it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping


def let_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait sleep instead of spin, in this process and all that it starts, unless the user has chosen.

    A thread that spins takes a core from whoever computes: where cores are shared, a run takes several times as long.

    Args:
        environment: Variables that OpenMP reads.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["OMP_WAIT_POLICY"] = "PASSIVE"

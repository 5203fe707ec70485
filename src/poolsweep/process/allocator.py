"""Memory that a training process frees and needs again in its next step."""

from __future__ import annotations

import os
from collections.abc import Mapping

KEPT = 2**30  # bytes
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, as malloc.h has them
_CHOICES = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Let glibc keep up to a GiB that this process frees, instead of handing every large block back at once.

    The gradient of a word embedding takes 47 MB in every step. Fresh from the system it costs a page fault for each
    4 KiB. For processes of poolsweep's own: a notebook's memory is the user's. A choice of the user's stays.

    Args:
        environment: Variables that the allocator reads.
    Returns:
        Whether it was set: the C library is glibc, and the user has chosen nothing.
    """
    if any(name.startswith(_CHOICES) for name in environment):
        return False
    import ctypes  # not for what trains nothing

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, KEPT)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))

"""Freed memory stays with a training process, unless the user has chosen otherwise."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from poolsweep.process.allocator import keep_freed_memory

_FAULTS = """
import resource
from poolsweep.process.allocator import keep_freed_memory
{call}
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
bytearray(2**26)
before = faults()
for _ in range(4):
    bytearray(2**26)
print(faults() - before)
"""


@pytest.mark.parametrize("name", ["MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD"])
def test_what_the_user_has_chosen_stays(name: str):
    assert not keep_freed_memory({name: "1"})


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_large_block_is_not_fetched_from_the_system_again():
    def faults(call: str) -> int:
        code = _FAULTS.format(call=call)
        return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)

    before, after = faults(""), faults("assert keep_freed_memory({})")
    assert before > 100, "premise: the system is asked for each block (in pages of up to 2 MiB)"
    assert after < before / 10

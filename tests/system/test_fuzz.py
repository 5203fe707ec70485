"""More of what tests/fuzz tries: command lines, data files and model folders that nobody meant to give."""

from __future__ import annotations

import subprocess
import sys

import pytest
from checkout import ROOT


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("lines", 75), ("files", 60), ("folders", 20), ("lines", 76)])
def test_everything_is_refused_failed_by_name_or_done_as_asked(kind: str, count: int):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "fuzz"), f"--{kind}", str(count), "--seed", f"b{count}"],
        capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

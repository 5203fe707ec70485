"""Command lines that nobody meant to type are refused, failed by name, or done as typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_forty_command_lines():
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent), "--lines", "40", "--seed", "a"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

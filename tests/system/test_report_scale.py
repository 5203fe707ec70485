"""A report of 300 runs: whole, and small enough to send. How long it takes is measured in experiments/report."""

from __future__ import annotations

import pytest
from studies import PRESETS, write_study

pytestmark = pytest.mark.slow


def test_300_runs(cli, outputs):
    write_study(outputs / "s", poolings=PRESETS, seeds=range(5), data=("animals", "birds", "stones"), num_texts=1000,
                labels=tuple(f"label {i}" for i in range(24)))  # fmt: skip
    done = cli("report", "s")
    assert done.status == 0, done.err
    page = (outputs / "s" / "report" / "report.html").read_bytes()
    assert b"300 of 300 runs finished" in page
    assert len(page) < 1_500_000

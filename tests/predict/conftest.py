"""Finished runs to put to use, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from poolsweep.cli import main
from poolsweep.report.results import load_results

REGIMES = {
    "probe": ["encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu"],
    "frozen": ["encoder.frozen=true"],
    "tuned": ["optimizer.lr=1e-3"],
}


@pytest.fixture(scope="session")
def studies(tiny_run: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three studies, ``probe``, ``frozen`` and ``tuned``, of two poolings and two seeds each."""
    root = tmp_path_factory.mktemp("studies")
    for name, overrides in REGIMES.items():
        given = [*tiny_run, *overrides, "pooling=cls,last4_concat", "seed=0,1", f"output_root={root}", f"study={name}"]
        plain = [one for one in given if name != "probe" or not one.startswith("trainer.max_epochs")]
        assert main(["train", "-m", *plain]) == 0
    return root


def folders_of(study: Path, pooling: str) -> list[Path]:
    """Run folders of a pooling, by seed."""
    found = [result for result in load_results(study) if result["pooling"] == pooling]
    return [study / result["run_id"] for result in sorted(found, key=lambda result: result["seed"])]

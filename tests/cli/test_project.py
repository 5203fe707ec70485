"""The project that ``poolsweep init`` writes, and its main job in one command."""

import os
import subprocess
import sys

import pytest

from poolsweep.report.results import load_results


@pytest.mark.slow
def test_the_main_job_runs_in_a_new_project(cli, tmp_path) -> None:
    said = cli("init", str(tmp_path / "mine")).out.splitlines()
    command = said[-1].partition(" && ")[2]
    assert command == "poolsweep train -m --config-dir conf experiment=first"
    small = ["encoder=tiny", "data.train_rows=100", "seed=0,1"]  # the embedded model takes a minute
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), *small], cwd=tmp_path / "mine", capture_output=True, text=True,
        timeout=300, env={**os.environ, "POOLSWEEP_OUTPUTS": str(tmp_path / "outputs"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = load_results(tmp_path / "outputs" / "first")
    assert {result["pooling"] for result in results} == {"cls", "masked_mean", "last4_concat", "ends"}


def test_nothing_is_written_over(cli, tmp_path) -> None:
    (tmp_path / "my_poolings.py").write_text("mine")
    done = cli("init", str(tmp_path))
    assert done.status == 2
    assert (
        done.err
        == f"poolsweep: {tmp_path / 'my_poolings.py'} is there already, and nothing was written; give another folder\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["my_poolings.py"]


def test_the_pooling_passes_the_conformance_suite(cli, tmp_path, monkeypatch) -> None:
    cli("init", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert cli("check", "my_poolings.Ends").status == 0

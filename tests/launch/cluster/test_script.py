from __future__ import annotations

import os
import subprocess
from pathlib import Path


def words_of_second_run(script: str, root: Path) -> list[str]:
    """What an array's script hands srun for its second run."""
    (root / "slurm-bin" / "srun").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "1"}
    return subprocess.run(
        ["bash", "-e"], input=script, env=environment, capture_output=True, text=True, check=True
    ).stdout.split("|")


def test_the_script_runs_its_runs(cli, tiny_run, slurm, no_new_files, tmp_path):
    done = cli("submit", *tiny_run, "seed=0,1", "study=s", "--dry-run", "hydra.launcher.time=1:30:00")
    assert done.status == 0, done.err
    assert "#SBATCH --time=90\n" in done.out
    assert "#SBATCH --array=0-1%2\n" in done.out
    words = words_of_second_run(done.out, tmp_path)
    assert words[words.index("poolsweep") - 1 : words.index("poolsweep") + 2] == ["-m", "poolsweep", "train"]
    assert {"seed=1", "study=s"} < set(words)
    assert not [word for word in words if word.startswith("hydra")]
    assert slurm.queue == [], "nothing was submitted"


def test_the_script_finds_what_config_dir_found(cli, tiny_run, slurm, tmp_path):
    own = tmp_path / "my conf" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\ndata_seed: 7\n")
    typed = ["submit", *tiny_run, "experiment=mine", "seed=0,1", "--dry-run", "--config-dir", str(own.parent)]
    done = cli(*typed)
    assert done.status == 0, done.err
    words = words_of_second_run(done.out, tmp_path)
    run = words[words.index("poolsweep") + 1 : -1]
    assert run[0] == "train"
    shown = cli(*run, "--cfg", "job")
    assert shown.status == 0, shown.err
    assert "data_seed: 7\n" in shown.out


def test_one_script_per_number_of_devices(cli, tiny_run, slurm):
    done = cli("submit", *tiny_run, "trainer.devices=1,2,1", "--dry-run")
    assert done.out.count("#!/bin/bash") == 2


def test_a_dry_run_forgets_nothing(cli, tiny_run, slurm):
    done = cli("submit", *tiny_run, "--dry-run", "retry=all")
    assert done.status == 2
    assert "retry=all" in done.err


def test_help_says_the_keys(cli):
    assert "hydra.launcher.partition" in cli("submit", "--help").out

"""The program: help without weight, its verbs, and exit statuses."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from poolsweep import __version__
from poolsweep.cli.program import VERBS, main


def test_help_imports_neither_torch_nor_hydra():
    code = (
        "import sys\nfrom poolsweep.cli import main\n"
        "from poolsweep.cli.program import VERBS, main\n"
        "typed = [[], ['--help'], ['--version'], ['nonsense'], ['report'], *([verb, '--help'] for verb in VERBS)]\n"
        "for arguments in typed:\n"
        "    try:\n"
        "        main(arguments)\n"
        "    except SystemExit as ended:\n"  # argparse's way of showing help
        "        assert not ended.code, arguments\n"
        "print(sorted({'torch', 'hydra', 'transformers', 'omegaconf', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_hydra_refuses_it_refuses_before_torch_is_loaded():
    code = (
        "import sys\nfrom poolsweep.cli import main\n"
        "typed = [['pooling=clss'], ['-m', 'pooling=cls,clss'], ['-m', 'optimizer.lrr=1,2'], ['poling=cls'],\n"
        "         ['-m', 'pooling=cls', 'data=fils', 'seed=1,2']]\n"
        "for arguments in typed:\n"
        "    assert main(['train', *arguments]) == 2, arguments\n"
        "assert main(['train', '--cfg', 'job', '--resolve']) == 0\n"
        "print(sorted({'torch', 'transformers', 'pytorch_lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(done.stderr.splitlines()) == 5


def test_help_of_the_program_as_a_process():
    done = subprocess.run(
        [sys.executable, "-m", "poolsweep", "train", "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "usage: poolsweep train" in done.stdout


def test_a_mistake_ends_a_process_with_status_2_and_one_line(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "poolsweep", "train", "encoder=tiny", "pooling=clss"],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "poolsweep: pooling=clss is no option of pooling; did you mean cls?\n"


def test_help_and_version(cli):
    assert "usage: poolsweep VERB" in cli().out
    assert cli("--help").out == cli().out
    assert cli("--version").out == f"poolsweep {__version__}\n"
    assert "KEY=A,B,C" in cli("train", "--help").out
    assert cli("train", "--help").status == 0


def test_unknown_verb(cli):
    done = cli("trian")
    assert done.status == 2
    assert done.problems == ["there is no verb 'trian'; did you mean train?"]


def test_cfg_job_prints_the_composed_config(cli, outputs):
    done = cli("train", "--cfg", "job", "pooling=cls", "encoder=tiny", "encoder.frozen=true")
    printed = yaml.safe_load(done.out)
    assert done.status == 0
    assert printed["pooling"]["tokens"]["_target_"] == "poolsweep.pooling.tokens.cls.Cls"
    assert set(printed) >= {"data", "encoder", "head", "loss", "optimizer", "scheduler", "trainer", "seed", "monitor"}
    assert not outputs.exists()


def test_flags_may_stand_between_overrides(cli):
    apart = cli("train", "pooling=cls", "--cfg", "job", "encoder=tiny", "--package", "encoder", "encoder.frozen=true")
    assert apart.status == 0, apart.err
    assert "frozen: true" in apart.out


def test_poolings_lists_every_preset_with_formula_size_and_parameters(cli):
    from poolsweep.pooling.presets import preset_names

    done = cli("poolings", "--hidden-size", "10", "--num-layers", "6")
    assert done.status == 0
    presets = done.out.split("pooling/layers=…")[0]
    lines = {line.split()[0]: line for line in presets.splitlines() if line.strip()}
    assert set(preset_names()) <= set(lines)
    assert "40" in lines["last4_concat"].split()
    assert "[h[l]; …], l = -4 … -1" in done.out


def test_debug_shows_the_traceback(cli, monkeypatch):
    from poolsweep.errors import UserError

    monkeypatch.setenv("POOLSWEEP_DEBUG", "1")
    with pytest.raises(UserError, match="no verb"):
        cli("trian")


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits_into_80_columns(capsys, verb: str, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with contextlib.suppress(SystemExit):  # as argparse ends
        main([*filter(None, [verb]), "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80

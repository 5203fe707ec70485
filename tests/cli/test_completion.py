"""What a real bash completes by ``poolsweep --completion bash``."""

import shutil
import subprocess

import pytest


def completed(script: str, line: str, *, folder) -> list[str]:
    """What bash offers behind a line."""
    ask = (
        'source "$1"; COMP_LINE="$2"; COMP_POINT=${#COMP_LINE}; read -ra COMP_WORDS <<< "$2"\n'
        '[[ "$2" == *" " ]] && COMP_WORDS+=("")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n'
        '_poolsweep 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    (folder / "script").write_text(script)
    done = subprocess.run(
        ["bash", "-c", ask, "bash", folder / "script", line], capture_output=True, text=True, check=True, cwd=folder,
        env={"POOLSWEEP_OUTPUTS": str(folder / "outputs"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return sorted(done.stdout.split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("poolsweep ref", ["refit"]),
        ("poolsweep train pooling=last4_c", ["last4_concat"]),  # bash takes what follows a = for a word of its own
        ("poolsweep train optimizer.hea", ["optimizer.head_lr="]),
        ("poolsweep train encoder=mini", ["minilm"]),
        ("poolsweep report --base", ["--baseline"]),
        ("poolsweep report my", ["mystudy"]),
        ("poolsweep submit hydra/launcher=sl", ["slurm"]),
    ],
)
def test_bash(cli, tmp_path, line: str, offered: list[str]) -> None:
    (tmp_path / "outputs" / "mystudy").mkdir(parents=True)
    assert completed(cli("--completion", "bash").out, line, folder=tmp_path) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_the_shells_own(cli, tmp_path, shell: str) -> None:
    script = tmp_path / "script"
    script.write_text(cli("--completion", shell).out)
    assert "masked_mean" in script.read_text()
    if shutil.which(shell):
        subprocess.run([shell, "-n", script], check=True)


def test_another_shell_is_refused(cli) -> None:
    done = cli("--completion", "tcsh")
    assert (done.status, done.err) == (2, "poolsweep: --completion takes bash, zsh or fish, got tcsh\n")

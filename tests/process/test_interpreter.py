"""Every process is started so that Python files of the current folder stand in for no library."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

from checkout import parsed_modules

from poolsweep.process.interpreter import python_command, python_in_shell

STARTS = {"run", "Popen", "call", "check_call", "check_output", "system", "popen", "execv", "execvp", "spawnv"}
# Every process that is started, by file and command: Python by python_command, and programs that are no Python.
KNOWN = {
    ("keeper.py", "command if self._with_texts else"),
    ("sync.py", "command"),
    ("pool.py", "python_command("),
    ("supervise.py", "python_command("),
    ("proof.py", "command"),
    ("slurm.py", "command"),
    ("environment.py", "['git', "),
    ("owner.py", "['ps', "),
}


def test_all_starts_of_processes_are_known():
    found = set()
    for path, tree in parsed_modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.executable":
                assert path.name == "interpreter.py", path
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTS
            if is_call and ast.unparse(node.func.value) in {"subprocess", "os"}:
                found.add((path.name, ast.unparse(node.args[0])))
    assert len(found) >= len(KNOWN)
    for name, command in found:
        assert any(name == known and command.startswith(start) for known, start in KNOWN), (name, command)


def test_a_folder_of_canaries_is_not_imported(tmp_path, monkeypatch):
    """``matplotlib.py`` and ``wandb.py`` where a command is typed, whatever starts the interpreter."""
    canary = tmp_path / "canary"
    for name in ("json", "torch", "wandb", "matplotlib", "rich", "yaml", "numpy"):
        (tmp_path / f"{name}.py").write_text(f"open({str(canary)!r}, 'w')\nraise SystemExit(9)\n")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    lines = [
        python_command("-c", "import json, yaml, rich"),
        ["sh", "-c", f"{python_in_shell()} -c 'import json, yaml, rich'"],
        [sys.executable, "-m", "poolsweep", "status", "none"],
    ]
    for line in lines:
        done = subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode != 9, (line, done.stderr)
    assert not canary.exists()

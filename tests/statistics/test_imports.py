"""The statistics stand alone: numpy, scipy and the standard library."""

import ast
import subprocess
import sys
from pathlib import Path

import poolsweep.statistics

FILES = sorted(Path(poolsweep.statistics.__file__).parent.glob("*.py"))
CODE = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(f"poolsweep.statistics.{name}")
print(*sys.modules)
"""
BEFORE = {"poolsweep", "poolsweep.process", "poolsweep.process.thread_policy"}  # what the package itself loads


def test_every_import_is_of_numpy_scipy_or_the_standard_library():
    assert len(FILES) >= 10, "premise: the modules are found"
    allowed = {"numpy", "scipy", *sys.stdlib_module_names}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.partition(".")[0] in allowed or name.startswith("poolsweep.statistics"), (file.name, name)


def test_nothing_else_of_the_project_is_loaded():
    stems = [file.stem for file in FILES if file.stem != "__init__"]
    done = subprocess.run([sys.executable, "-c", CODE, *stems], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {f"poolsweep.statistics.{stem}" for stem in stems} <= loaded, "premise: every module is imported"
    ours = {name for name in loaded if name.partition(".")[0] == "poolsweep"} - BEFORE
    assert {name for name in ours if not f"{name}.".startswith("poolsweep.statistics.")} == set()
    assert loaded.isdisjoint({"torch", "transformers", "pytorch_lightning", "pandas", "sklearn"})

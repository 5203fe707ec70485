"""Where the checkout lies, for tests that read its own files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
for _path in (README, CONTRIBUTING, ROOT / "pyproject.toml", SOURCE / "poolsweep" / "__init__.py"):
    assert _path.is_file(), f"{_path} is missing: has tests/support moved?"


def parsed_modules() -> Iterator[tuple[Path, ast.Module]]:
    """Each module of the source with its syntax tree."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))

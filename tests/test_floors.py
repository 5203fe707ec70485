"""The tree is the order of imports: no part imports one below it, and the checks of that notice."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator

from checkout import CONTRIBUTING, ROOT, SOURCE, parsed_modules

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
[FLOORS] = [c["layers"] for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c.get("containers")]

IMPORT_ALL = """
import importlib, pkgutil, sys, warnings
import poolsweep
warnings.simplefilter("ignore")
order, count, with_hydra = sys.argv[1:], 0, None
at_once = {name.split(".")[1] for name in sys.modules if name.startswith("poolsweep.")}
for place, part in enumerate(order):
    module = importlib.import_module(f"poolsweep.{part}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"poolsweep.{part}."):
        importlib.import_module(found.name)
        count += 1
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith("poolsweep.")}
    early = loaded - at_once - set(order[: place + 1])
    assert not early, f"{part} loads {early}"
    with_hydra = with_hydra or ("hydra" in sys.modules and part)
print(count, with_hydra)
"""


def parts() -> set[str]:
    """The folders and modules right below ``src/poolsweep``."""
    folder = SOURCE / "poolsweep"
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    return found - {"__init__"}


def imports() -> Iterator[tuple[str, str]]:
    """Each part that imports another, inside functions too, and not for type checkers alone."""
    for path, tree in parsed_modules():
        if path.parts[len(SOURCE.parts)] != "poolsweep" or path == SOURCE / "poolsweep" / "__init__.py":
            continue
        own = path.relative_to(SOURCE / "poolsweep").with_suffix("").parts[0]
        for node in runtime_nodes(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute here"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith("poolsweep.") and name.split(".")[1] in parts() - {own}:
                    yield own, name.split(".")[1]


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from runtime_nodes(node)


def test_no_part_imports_another_in_a_circle():
    found = set(imports())
    assert len(found) > 100, "premise: parts import each other"
    above: dict[str, set[str]] = {part: {other for one, other in found if one == part} for part in parts()}
    while free := {part for part, needs in above.items() if not needs & above.keys()}:
        above = {part: needs for part, needs in above.items() if part not in free}
    assert above == {}, "what is left imports each other in circles"


def test_an_import_against_the_floors_is_found(tmp_path):
    """A lazy one, at the end of the lowest module."""
    shutil.copytree(SOURCE, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    check = [sys.executable, "-c", "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports;"
             "sys.exit(lint_imports(no_cache=True))"]  # fmt: skip
    errors = tmp_path / "src" / "poolsweep" / "errors.py"
    errors.write_text(errors.read_text() + "\n\ndef late() -> None:\n    from poolsweep.report import study\n")
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "poolsweep.errors -> poolsweep.report.study" in done.stdout
    assert "poolsweep.errors is not allowed to import poolsweep." in done.stdout


def test_no_part_loads_one_below_it_by_whatever_means():
    """Every module is imported, part by part; so is what ``import_module`` and each ``__init__`` bring along."""
    order = [part for part in reversed(FLOORS) if part != "__main__"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *order], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    count, with_hydra = done.stdout.split()
    assert int(count) > 250, "premise: the modules are found"
    assert order.index(with_hydra) >= order.index("config"), "what stands above config/ needs no Hydra"


def test_a_config_without_a_type_is_found_below_config(tmp_path):
    """A raw mapping as a parameter; in ``make check`` there is none."""
    check = [sys.executable, str(ROOT / ".ci" / "typed_configs.py")]
    shutil.copytree(SOURCE / "poolsweep", tmp_path / "poolsweep", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([*check, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "every config has a type\n")
    for name, line in (
        ("launch", "async def go(*, config: Mapping[str, Any] | None): ..."),
        ("data", "def x(data: dict[str, Any]): ..."),
    ):
        path = tmp_path / "poolsweep" / name / "__init__.py"
        path.write_text(path.read_text() + "\n\n" + line + "\n")
    done = subprocess.run([*check, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    [found, count] = done.stdout.splitlines()
    assert re.fullmatch(r"poolsweep/launch/__init__\.py:\d+: config: Mapping\[str, Any\] \| None", found), (
        "data/ is above config/"
    )
    assert count == "1 configs are raw mappings"


def test_the_guide_names_every_part_in_the_order_of_imports():
    assert set(FLOORS) == parts()
    [table] = re.findall(r"^\| part of `src/poolsweep/` .*?\n\n", CONTRIBUTING.read_text(), re.DOTALL | re.MULTILINE)
    rows = [row.split("|")[1] for row in table.strip().splitlines()[2:]]
    named = [re.findall(r"`([^`]+)`", row) for row in rows]
    assert named.pop() == ["src/hydra_plugins/"]
    upwards = [part for row in named for part in row]
    assert sorted(upwards) == sorted(FLOORS)
    place = {part: i for i, row in enumerate(named) for part in row}
    below = [(one, other) for one, other in imports() if place[one] < place[other]]
    assert below == [], "the guide puts a part above one that it imports"

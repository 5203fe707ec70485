"""Fails if a function below ``config/`` takes a config as a raw mapping: it is a ``RunConfig``, or a ``Node`` of one.

Looks at the annotations of all parameters. ``Mapping[str, object]`` is fine: nothing can be read
from it by key. So is Hydra's own ``DictConfig``, which a run's config is made of. Records of JSON have the names below.

    python .ci/typed_configs.py [SRC]
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RAW = re.compile(r"\b(dict|Mapping|MutableMapping)\[str, Any\]")
RECORDS = {
    "result", "results",  # result.json
    "status", "running", "facts",  # status.json, and what is added to one of the two
    "record", "optuna", "job",  # what a race, a search, and the starter of a rank left in files
    "state", "states", "state_dict", "checkpoint",  # of Lightning and torch
    "params",  # Lightning's log_hyperparams
    "given",  # options of a sweeper or launcher, before they are read into a dataclass
}  # fmt: skip


def parts_below_config() -> list[str]:
    """The parts that may import ``config``, as pyproject.toml has them."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    [floors] = [one["layers"] for one in tools["importlinter"]["contracts"] if one.get("containers")]
    return floors[: floors.index("config")]


def raw_configs(source: Path) -> Iterator[str]:
    """File, line and name of each parameter that is a raw mapping and no record.

    Args:
        source: Folder with ``poolsweep``.
    """
    for part in parts_below_config():
        folder = source / "poolsweep" / part
        modules = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
        for path in modules:
            for name, annotation in _annotated(ast.parse(path.read_text(encoding="utf-8"))):
                if RAW.search(ast.unparse(annotation)) and name not in RECORDS:
                    yield f"{path.relative_to(source)}:{annotation.lineno}: {name}: {ast.unparse(annotation)}"


def _annotated(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            for argument in (*node.posonlyargs, *node.args, *node.kwonlyargs):
                if argument.annotation is not None:
                    yield argument.arg, argument.annotation


if __name__ == "__main__":
    found = list(raw_configs(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src"))
    print("\n".join([*found, f"{len(found)} configs are raw mappings"]) if found else "every config has a type")
    sys.exit(bool(found))

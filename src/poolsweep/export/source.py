"""Gathers the code of some classes, with all of ours that they stand on, into one file that needs no poolsweep."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from poolsweep.errors import UserError

_BOUNDS = "poolsweep.bounds"
_PLAIN = {"PositiveInt": "int", "NonNegativeInt": "int", "Seed": "int"}  # every other bound is one of a float
_NOT_FOR_INFERENCE = {"explain", "auxiliary_loss", "self_contained", "fix_weights"}  # methods of reports and training


@dataclass
class Sources:
    """Definitions in an order in which Python can read them, and the imports that they need.

    Attributes:
        ours: Packages whose code is gathered; all others are imported.
        imports: Statements.
        definitions: Source of each definition, after those that it needs.
    """

    ours: frozenset[str]
    imports: dict[str, None] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)  # module and name there → name here

    def add(self, module: str, name: str) -> str:
        """Gather a definition and what it needs; gives its name in the file.

        Args:
            module: Dotted name of a module of ``ours``.
            name: Name bound at its top.
        Raises:
            UserError: If its source is not to be had.
        """
        bound = _bound(module)
        statement = bound.get(name)
        if statement is None:
            raise UserError(f"{module} does not define {name} at its top, so it cannot be exported")
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return self._follow(statement, name)
        if (module, name) not in self._names:
            own = self._names[module, name] = self._free_name(module, name)
            _trim(statement, depth=1)
            used = [one for one in _names(statement) if one in bound and one != name]
            _rename(statement, {one: self.add(module, one) for one in used} | {name: own})
            self.definitions.append(ast.unparse(statement))
        return self._names[module, name]

    def text(self) -> str:
        """Imports and definitions."""
        return "\n".join(sorted(self.imports)) + "\n\n\n" + "\n\n\n".join(self.definitions) + "\n"

    def _follow(self, statement: ast.Import | ast.ImportFrom, name: str) -> str:
        """Gather what an import binds to a name, or import it there too; gives its name in the file."""
        [alias] = [a for a in statement.names if (a.asname or a.name.partition(".")[0]) == name]
        source = alias.name if isinstance(statement, ast.Import) else str(statement.module)
        renamed = f" as {alias.asname}" if alias.asname else ""
        if source.partition(".")[0] not in self.ours:
            of = "" if isinstance(statement, ast.Import) else f"from {source} "
            self.imports[f"{of}import {alias.name}{renamed}"] = None
            return name
        if isinstance(statement, ast.Import):
            raise UserError(f"{source}: import its classes by name (from … import …), so that they can be exported")
        if source == _BOUNDS:
            return _PLAIN.get(alias.name, "float")
        return self.add(source, alias.name)

    def _free_name(self, module: str, name: str) -> str:
        """The name itself, or one made of the module's too where another definition has it: LayersMean, TokensMean."""
        taken = set(self._names.values())
        for prefix in ("", *(part.title() for part in reversed(module.split(".")[:-1]))):
            if prefix + name not in taken:
                return prefix + name
        raise UserError(f"{module} defines {name}, as other modules do: call it otherwise to export it")


@cache
def _read(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise UserError(f"the source of {module} is not to be had, so its classes cannot be exported")
    return Path(spec.origin).read_text(encoding="utf-8")


def _bound(module: str) -> dict[str, ast.stmt]:
    """Name → the statement at a module's top that binds it; of a tree of its own, since what is gathered is trimmed."""
    return {name: statement for statement in ast.parse(_read(module)).body for name in _binds(statement)}


def _binds(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        if getattr(statement, "module", "") != "__future__":
            yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _names(statement: ast.stmt) -> list[str]:
    """Names that a statement reads, those of annotations included, each once."""
    return list(dict.fromkeys(node.id for node in ast.walk(statement) if isinstance(node, ast.Name)))


def _rename(statement: ast.stmt, names: Mapping[str, str]) -> None:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        statement.name = names[statement.name]


def _trim(node: ast.stmt, *, depth: int) -> None:
    """Take away what reports, training and doctests alone need."""
    if not isinstance(node, ast.ClassDef | ast.FunctionDef):
        return
    node.body = [part for part in node.body if getattr(part, "name", None) not in _NOT_FOR_INFERENCE] or [ast.Pass()]
    if (text := ast.get_docstring(node)) is not None:
        first = node.body[0]
        assert isinstance(first, ast.Expr)
        lines = text.partition("\nExample:")[0].rstrip().splitlines()
        first.value = ast.Constant(
            "\n".join([lines[0], *(f"{'    ' * depth}{line}" if line else "" for line in lines[1:])])
            + (f"\n{'    ' * depth}" if len(lines) > 1 else "")
        )
    for part in node.body:
        _trim(part, depth=depth + 1)

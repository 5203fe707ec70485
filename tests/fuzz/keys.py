"""All that can be typed, read from the project itself: keys with their types, groups with options, verbs with flags."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from hydra.utils import get_object
from values import NOTHING, Key

from poolsweep.cli.arguments import VerbParser
from poolsweep.cli.program import VERBS
from poolsweep.conf_dir import conf_dir
from poolsweep.config import keys as dataclasses
from poolsweep.config.parts import part_at
from poolsweep.config.types import open_options

# Nothing but a network has them.
_ELSEWHERE = ("data=hub", "encoder=hub", "encoder=bert_base", "encoder=bert_large", "encoder=modernbert_base")
# Options that start a service of their own for minutes, or another machine's.
_NOT_HERE = {"hydra/launcher": ("ray", "slurm")}


@cache
def groups() -> dict[str, list[str]]:
    """Every group with its options."""
    found: dict[str, list[str]] = {}
    for path in sorted(conf_dir().rglob("*.yaml")):
        group = str(path.parent.relative_to(conf_dir()))
        if group != "." and not path.stem.startswith("_") and path.stem not in _NOT_HERE.get(group, ()):
            found.setdefault(group, []).append(path.stem)
    return found


@cache
def all_keys() -> list[Key]:
    """Every key: those of the root, and of each option of each group, with what its class takes beside them."""
    kinds = {"": dataclasses.Root, "checkpoint.": dataclasses.Checkpointing, "features.": dataclasses.Storing}
    declared = {f"{prefix}{f.name}": hint for prefix, kind in kinds.items() for f, hint in _hints_of(kind)}
    declared |= {f"data.{f.name}": hint for f, hint in _hints_of(dataclasses.Loading)}
    root = {k: v for k, v in _yaml(conf_dir() / "train.yaml").items() if k != "defaults"}
    found = [Key(path, value, declared.get(path, NOTHING)) for path, value in _flat(root)]
    for group, options in groups().items():
        for option in options:
            found += _keys_of(group, option, declared)
    return found


@cache
def keys_by_part() -> list[list[Key]]:
    """The same, a list for each part, so that each part is as likely as another."""
    found: dict[str, list[Key]] = {}
    for key in all_keys():
        found.setdefault(key.path.partition(".")[0] if "." in key.path else "", []).append(key)
    return list(found.values())


def can_be_right(choice: str | None) -> bool:
    """Whether a line with ``GROUP=OPTION`` can do more than be refused here."""
    return choice not in _ELSEWHERE


def arguments_of(target: str) -> dict[str, Any] | None:
    """Argument → type of what a ``_target_`` names; None if it takes any."""
    made = get_object(target)
    parameters = inspect.signature(made).parameters
    more = open_options(made)
    if more is None:
        return None
    try:
        hints = get_type_hints(made.__init__ if inspect.isclass(made) else made)
    except (NameError, TypeError):
        hints = {}
    named = {name: hints.get(name, NOTHING) for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}
    return {**named, **more}


@cache
def flags() -> dict[str, list[argparse.Action]]:
    """Verb → what its command line takes, for verbs whose arguments are not Hydra's alone."""
    found = {}
    for verb, run in VERBS.items():
        try:
            with _parsers_give_themselves(), contextlib.redirect_stdout(io.StringIO()):
                run(["--help"])  # all that is done by a verb whose arguments are Hydra's
        except _Parser as parser:
            found[verb] = parser.actions
    return found


class _Parser(Exception):
    def __init__(self, actions: list[argparse.Action]) -> None:
        super().__init__()
        self.actions = actions


class _parsers_give_themselves:
    """While entered, a verb's parser raises what it would take instead of reading it."""

    def __enter__(self) -> None:
        self.before = VerbParser.parse_args, VerbParser.parse_intermixed_args

        def give(parser: VerbParser, *_: object) -> None:
            raise _Parser([action for action in parser._actions if action.dest != "help"])

        VerbParser.parse_args = VerbParser.parse_intermixed_args = give  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        VerbParser.parse_args, VerbParser.parse_intermixed_args = self.before  # type: ignore[assignment]


def _keys_of(group: str, option: str, declared: Mapping[str, Any]) -> Iterator[Key]:
    content = _content(group, option)
    text = (conf_dir() / group / f"{option}.yaml").read_text(encoding="utf-8")
    prefix = "" if "@package _global_" in text else f"{group.replace('/', '.')}."
    chosen = f"{group}={option}"
    for path, node in _nodes(content):
        known = arguments_of(node["_target_"]) if "_target_" in node else {}
        for name, value in node.items():
            key = ".".join((*path, str(name)))
            hint = (known or {}).get(name, declared.get(f"{prefix}{key}", NOTHING))
            yield Key(f"{prefix}{key}", value, hint, chosen)
        part = part_at(tuple(f"{prefix}{'.'.join(path)}".strip(".").split(".")))
        for name in sorted(set(known or ()) - set(node) - (part.derived if part is not None else set())):
            yield Key(f"{prefix}{'.'.join((*path, name))}", NOTHING, (known or {})[name], chosen)


def _content(group: str, option: str) -> dict[str, Any]:
    """What an option's file sets, with those of the files it is made of."""
    content = _yaml(conf_dir() / group / f"{option}.yaml")
    bases = [base for base in content.pop("defaults", []) if isinstance(base, str) and base != "_self_"]
    for base in bases:
        name, _, package = base.partition("@")
        inside = content.pop(package, {}) if package else {}
        made = {**_content(group, name), **(inside if package else content)}
        content = {**content, package: made} if package else made
    return content


def _nodes(content: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping]]:
    yield path, content
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _nodes(value, (*path, str(name)))


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for path, node in _nodes(content):
        yield from ((".".join((*path, str(name))), value) for name, value in node.items())


def _hints_of(kind: type) -> list[tuple[Any, Any]]:
    hints = get_type_hints(kind)
    return [(field, hints[field.name]) for field in fields(kind)]


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _yaml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(_read(path)) or {}

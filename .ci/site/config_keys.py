"""Every key of a config: its type, its default and what it means, read from conf/ and from the code that takes it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra.utils import get_object

from poolsweep.conf_dir import conf_dir
from poolsweep.config import keys
from poolsweep.config.types import _name, hints_of, open_options
from poolsweep.encoder import options
from poolsweep.pooling.presets import describe

_DECLARED: dict[str, tuple[type, ...]] = {
    "": (keys.Root,), "checkpoint.": (keys.Checkpointing,), "features.": (keys.Storing,),
    "data.": (keys.Loading, keys.RowKeys, keys.SplitKeys), "trainer.": (keys.Training,),
    "encoder.": (options.RunOptions, options.EncoderOptions),
}  # fmt: skip
_CHOSEN = {"task.name", "hydra.sweeper.params"}  # they follow from the option
_SECTION = re.compile(r"(?ms)^\s*(?:Args|Attributes):\n(.*?)(?=^\s{0,4}\w+:\n|\Z)")
_ENTRY = re.compile(r"(?ms)^ {4,8}(\w+): (.*?)(?=^ {4,8}\w+: |\Z)")


@dataclass(frozen=True)
class Key:
    """A key of a config.

    Attributes:
        path: Dotted place in the config.
        default: Value in its YAML, as YAML.
        kind: Type, in words.
        meaning: What it says, in a line; empty = nobody wrote it.
    """

    path: str
    default: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class Option:
    """A YAML of a group, or the root.

    Attributes:
        title: What is typed to choose it.
        about: First line of its comment.
        keys: Keys that it sets.
    """

    title: str
    about: str
    keys: tuple[Key, ...]


def options_of_conf() -> list[Option]:
    """The root, then every option of every group that sets keys; a key that several set means what the first says."""
    found = list(_options())
    known = {key.path: key for option in reversed(found) for key in reversed(option.keys) if key.meaning}
    return [replace(option, keys=tuple(_told(key, known) for key in option.keys)) for option in found]


def _told(key: Key, known: Mapping[str, Key]) -> Key:
    like = known.get(key.path)
    return key if like is None else replace(key, kind=key.kind or like.kind, meaning=key.meaning or like.meaning)


def _options() -> Iterator[Option]:
    root = conf_dir() / "train.yaml"
    yield Option("poolsweep train", describe(root), tuple(_keys(root, prefix="")))
    for path in sorted(conf_dir().rglob("*.yaml")):
        group = path.parent.relative_to(conf_dir()).as_posix()
        if path == root or group in {"experiment", "pooling"}:  # presets have a page of their own
            continue
        package = re.search(r"(?m)^# @package (\S+)$", path.read_text(encoding="utf-8"))
        place = group.replace("/", ".") if package is None else package[1].removeprefix("_global_")
        found = tuple(_keys(path, prefix=f"{place}." if place else ""))
        if found:
            title = f"every {group}" if path.stem.startswith("_") else f"{group}={path.stem}"
            yield Option(title, _about(path), found)


def _about(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line[1:].strip() for line in lines if line.startswith("#") and "@package" not in line), "")


def _keys(path: Path, *, prefix: str) -> Iterator[Key]:
    text = path.read_text(encoding="utf-8")
    content = yaml.safe_load(text) or {}
    said = _comments(text)
    taken = _arguments(_target(path))
    for name, value in _flat(content):
        full = f"{prefix}{name}"
        if name.split(".")[0] in {"defaults", "hydra"} or name.endswith("_target_") or full in _CHOSEN:
            continue
        both = [found for found in (_declared(full), taken.get(name)) if found is not None]
        kind, meaning = (next((found[i] for found in both if found[i]), "") for i in (0, 1))
        yield Key(full, json.dumps(value, ensure_ascii=False), kind, said.get(name) or meaning)


def _target(path: Path) -> str | None:
    """What an option makes; one that is made of another makes what that makes."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if "_target_" in content:
        return content["_target_"]
    bases = [path.with_name(f"{base}.yaml") for base in content.get("defaults", []) if isinstance(base, str)]
    return next((found for base in bases if base.is_file() and (found := _target(base)) is not None), None)


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _comments(text: str) -> dict[str, str]:
    """Key → the comment behind it; of a nested key by its dotted name."""
    found: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = re.match(r"( *)([\w-]+):(.*)$", line)
        if match is None:
            continue
        indent, name, rest = len(match[1]), match[2], match[3]
        parents = [(place, parent) for place, parent in parents if place < indent]
        dotted = ".".join([*(parent for _, parent in parents), name])
        parents.append((indent, name))
        comment = re.search(r"\s# (.*)$", rest)
        if comment is not None:
            found[dotted] = comment[1].strip()
    return found


@cache
def _arguments(target: str | None) -> Mapping[str, tuple[str, str]]:
    """Argument → its type and meaning, of what a ``_target_`` names."""
    if target is None:
        return {}
    made = get_object(target)
    hints = {**hints_of(made.__init__ if inspect.isclass(made) else made), **(open_options(made) or {})}
    described = documented(made.__doc__ or "")
    return {
        name: (_name(hints[name]) if name in hints else "", described.get(name, ""))
        for name in inspect.signature(made).parameters
    }


@cache
def _declared(path: str) -> tuple[str, str] | None:
    """The type and the meaning of a key that is declared in ``config.keys``, or of every encoder."""
    group, _, name = path.rpartition(".")
    for kind in _DECLARED.get(f"{group}." if group else "", ()):
        hints = hints_of(kind)
        if name in hints:
            return _name(hints[name]), documented(kind.__doc__ or "").get(name, "")
    return None


def documented(text: str) -> dict[str, str]:
    """Name → its line in the ``Args`` or ``Attributes`` of a docstring.

    Example:
        >>> documented("Adds." + chr(10) + chr(10) + "    Args:" + chr(10) + "        a: A number." + chr(10))
        {'a': 'A number.'}
    """
    return {
        name: " ".join(meaning.split())
        for section in _SECTION.findall(inspect.cleandoc(text) + "\n")
        for name, meaning in _ENTRY.findall(section)
    }

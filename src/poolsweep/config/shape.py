"""Whether a config has the shape of one: its keys, and mappings where mappings belong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from poolsweep.config.keys import Checkpointing, Loading, Refit, Root, RowKeys, Storing
from poolsweep.config.parts import NAMED, PARTS
from poolsweep.config.types import dataclass_problems
from poolsweep.errors import nearest
from poolsweep.tasks import AUTO, TASKS

SECTIONS: dict[str, type] = {"checkpoint": Checkpointing, "features": Storing}
_HALVES = tuple(name.partition(".")[2] for name in PARTS if name.startswith("pooling."))
_GROUPS = tuple(dict.fromkeys(name.partition(".")[0] for name in PARTS))
_OF_OPTUNA = ("optuna", "trial")
_KNOWN = ("task", *(field.name for field in fields(Root)), *_GROUPS, *SECTIONS, *_OF_OPTUNA, "refit")


def shape_problems(config: Mapping[str, Any]) -> list[str]:
    """Keys that there are not, and what stands where a part or a section belongs.

    Args:
        config: Resolved.
    """
    return list(_problems(config))


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    if "task" in config:
        yield from task_problems(config["task"])
    for key in config.keys() - set(_KNOWN):
        yield f"there is no key {key}; {nearest(key, _KNOWN)}"
    for name, kind in SECTIONS.items():
        yield from _section(name, config.get(name), {field.name for field in fields(kind)})
    if "refit" in config:
        yield from _section("refit", config["refit"], {field.name for field in fields(Refit)})
    for name in _OF_OPTUNA:
        if not isinstance(config.get(name, {}), Mapping):
            yield _instead(name, config[name], "its keys")
    for group in _GROUPS:
        node = config.get(group)
        if group in NAMED:
            yield from _named(group, node)
        elif group == "pooling":
            yield from _pooling(node)
        elif not _is_part(node):
            yield _unchosen(group, node)
        elif group == "encoder":
            yield from _adapter(node)


def task_problems(node: Any) -> list[str]:  # noqa: ANN401
    """What is wrong with the node of a task: its name, its options and their types.

    Args:
        node: Node of a config, or of a stranger's record.
    """
    name = node.get("name") if isinstance(node, Mapping) else node
    if name == AUTO:
        return [f"task={AUTO} is settled before a run begins: name the task, {' or '.join(TASKS)}"]
    if not isinstance(node, Mapping) or name not in list(TASKS):
        return [f"task.name={name} is none; {nearest(str(name), TASKS)}"]
    kind = TASKS[str(name)]
    known = set(kind.options())
    given = {key: value for key, value in node.items() if key in known}
    return [*_section("task", node, {"name", *known}), *dataclass_problems(kind, given, prefix="task.")]


def _section(name: str, node: Any, known: set[str]) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(node, Mapping):
        yield _instead(name, node, f"its keys, {', '.join(f'{name}.{key}' for key in sorted(known))}")
        return
    for key in node.keys() - known:
        yield f"there is no key {name}.{key}; {nearest(str(key), known)}"


def _named(group: str, node: Any) -> Iterator[str]:  # noqa: ANN401
    if node is not None and not isinstance(node, Mapping):
        yield _instead(group, node, f"an option, {group}=…, or several, '{group}=[…]'")
        return
    for name, part in (node or {}).items():
        if not _is_part(part):
            yield f"{group}.{name} must hold a _target_, got {part!r}; ~{group}.{name} leaves it out"


def _pooling(node: Any) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(node, Mapping):
        yield _unchosen("pooling", node)
        return
    for half in _HALVES:
        if not _is_part(node.get(half)):
            yield _unchosen(f"pooling/{half}", node.get(half))
    for key in node.keys() - set(_HALVES):
        yield f"there is no key pooling.{key}; {nearest(str(key), _HALVES)}"


def _adapter(encoder: Any) -> Iterator[str]:  # noqa: ANN401
    node = encoder.get("adapter")
    if node is not None and not _is_part(node):
        yield f"encoder.adapter takes no value but an option, encoder/adapter=lora; got {node!r}"


def _is_part(node: Any) -> bool:  # noqa: ANN401
    return isinstance(node, Mapping) and isinstance(node.get("_target_"), str)


def _unchosen(group: str, node: Any) -> str:  # noqa: ANN401
    if isinstance(node, Mapping) and node:
        return f"{group} must hold a _target_ that names a class or function; {group}=… chooses one"
    found = f", got {node!r}" if node else ""
    return f"{group} must be chosen: {group}=…{found}"


def _instead(key: str, node: Any, what: str) -> str:  # noqa: ANN401
    return f"{key} takes no value but {what}; got {node!r}"


def missing_keys(config: Mapping[str, Any]) -> list[str]:
    """What to say of keys that ``~key`` took away; not asked of records, since those of older versions lack some."""
    nodes = [("", Root, config)]
    kinds = SECTIONS | ({"refit": Refit} if "refit" in config else {})
    nodes += [("data.", kind, config["data"]) for kind in (Loading, RowKeys)]
    nodes += [(f"{name}.", kind, config[name]) for name, kind in kinds.items()]
    lacking = [
        f"{prefix}{field.name}" for prefix, kind, node in nodes for field in fields(kind) if field.name not in node
    ]
    lacking += [] if "task" in config else ["task"]
    return [f"{key} is missing: it has a default, which ~{key} takes away" for key in lacking]

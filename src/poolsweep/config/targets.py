"""Whether the classes that a config names may be run, and take what they are given."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from hydra._internal.utils import _locate

from poolsweep.config.callbacks import refusal_of
from poolsweep.config.keys import TRAINING_KEYS, beside_source
from poolsweep.config.parts import Part, base_classes, part_at
from poolsweep.config.probe import is_probe
from poolsweep.config.training import trainer_options
from poolsweep.config.types import hints_of, open_options, type_problem
from poolsweep.errors import RefusedError, nearest
from poolsweep.extras import lacking
from poolsweep.process.user_imports import import_from_here, near_target


def allowed_part(path: tuple[str, ...], node: Mapping[str, Any], *, trusted: Any) -> Part:  # noqa: ANN401
    """The part that a node stands for, if its class comes from a package that it may come from; imports nothing.

    Args:
        path: Keys that lead to the node in the config.
        node: With a ``_target_``.
        trusted: Packages of the user's own, if it is a list.
    Raises:
        RefusedError: If it may not be run there.
    """
    where, target, part = ".".join(path), str(node["_target_"]), part_at(path)
    if part is None:
        raise RefusedError(f"{where}._target_={target} is refused: no class is expected there")
    prefixes = _prefixes(part, trusted)
    if not target.startswith(prefixes):
        raise RefusedError(
            f"{where}._target_={target} is refused: it must come from {' or '.join(p.rstrip('.') for p in prefixes)}; "
            f"trust a package of your own with trusted=[{target.split('.', 1)[0]}]"
        )
    return part


def _prefixes(part: Part, trusted: Any) -> tuple[str, ...]:  # noqa: ANN401
    return (*part.prefixes, *(f"{name}." for name in (trusted if isinstance(trusted, list) else [])))


def authorised(path: tuple[str, ...], node: Mapping[str, Any], *, trusted: Any) -> tuple[Part, Any]:  # noqa: ANN401
    """The part that a node stands for, and the class or function that it names.

    Args:
        path: Keys that lead to the node in the config.
        node: With a ``_target_``.
        trusted: Packages of the user's own, if it is a list.
    Raises:
        RefusedError: If it may not be run there.
    """
    part, where, target = allowed_part(path, node, trusted=trusted), ".".join(path), str(node["_target_"])
    prefixes = _prefixes(part, trusted)
    if not target.startswith(part.prefixes):
        import_from_here()
    try:
        found = _locate(target)  # what Hydra makes parts with; its own get_object logs a paragraph first
    except Exception as error:  # importing runs the module's code, which may raise anything
        reason = (str(error.__cause__ or error).strip() or type(error).__name__).splitlines()[0]
        raise RefusedError(f"{where}._target_={target} cannot be imported: {reason}{near_target(target)}") from error
    if not f"{getattr(found, '__module__', '')}.".startswith(prefixes) or not _makes(found, part):
        kind = " or ".join(f"a {b.rpartition('.')[2]}" for b in part.bases) or "a function of that package"
        raise RefusedError(f"{where}._target_={target} is refused: it is not {kind}")
    reason = refusal_of(found) if path[0] == "callbacks" and inspect.isclass(found) else None
    if reason is not None:
        raise RefusedError(f"{where}._target_={target} is refused: {reason}")
    return part, found


def _makes(found: Any, part: Part) -> bool:  # noqa: ANN401
    """Whether calling ``found`` gives what a part must be: it is one of its classes, or annotated to return one."""
    if not part.bases:
        return callable(found)
    kind = found if inspect.isclass(found) else hints_of(found).get("return")
    return inspect.isclass(kind) and any(issubclass(kind, base) for base in base_classes(part))


def argument_problems(where: str, node: Mapping[str, Any], found: Any, part: Part) -> list[str]:  # noqa: ANN401
    """What a class or function does not take, lacks, or takes otherwise.

    Args:
        where: The node's place in the config, dotted.
        node: Target and arguments.
        found: What ``authorised`` gave.
        part: Says which arguments are derived.
    """
    needs = getattr(found, "needs", None) if where.startswith("logger.") else None
    absent = lacking(needs, asked_by=f"logger={needs}") if needs is not None else None
    signature = inspect.signature(found)
    more = open_options(found)
    skip = beside_source(node) if where == "data" else frozenset[str]()  # checked elsewhere
    if where == "trainer" and not is_probe({"trainer": node}):
        skip = TRAINING_KEYS | trainer_options()
    given = {k: v for k, v in node.items() if not k.startswith("_") and k not in skip}
    known = [n for n, p in signature.parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    known += more or ()
    ours = str(node["_target_"]).startswith("poolsweep.")
    problems = [] if absent is None else [absent]
    problems += [
        f"{where}.{key} is not an option of {node['_target_']}; "
        f"{getattr(found, 'instead', {}).get(key) or nearest(key, set(known) - part.derived)}"
        + ("" if ours else f"; ~{where}.{key} leaves it out where it belongs to the class whose place this one takes")
        for key in given
        if key not in known and more is not None
    ]
    for key in given.keys() & part.derived:
        problems.append(f"{where}.{key} follows from the rest of the config, and cannot be given")
    for name, parameter in signature.parameters.items():
        required = parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
        if required and name not in given and name not in part.derived:
            problems.append(f"{where}.{name} must be given")
    hints = {**hints_of(found.__init__ if inspect.isclass(found) else found), **(more or {})}
    inner = {key for key, value in given.items() if isinstance(value, Mapping) and "_target_" in value}
    for key in given.keys() & hints.keys() - part.derived - inner:  # a part within a part is checked as one
        problems += type_problem(f"{where}.{key}", given[key], hints[key])
    if (
        not problems
        and where.startswith(("callbacks.", "own_metrics."))
        and str(node["_target_"]).startswith(part.prefixes)
    ):
        problems += _construction_problems(where, given, found)
    return problems


def _construction_problems(where: str, given: Mapping[str, Any], found: Any) -> list[str]:  # noqa: ANN401
    """What the constructor of a callback or a metric refuses; one of the user's own is made once, in its run."""
    try:
        found(**given)
    except Exception as error:
        return [f"{where}: {(str(error).strip() or type(error).__name__).splitlines()[0]}"]
    return []


def nodes_with_target(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:  # noqa: ANN401
    """Every node of a config that names a class or function, with its path."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield path, node
        for key, value in node.items():
            yield from nodes_with_target(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes_with_target(value, (*path, str(index)))


def interpolations(node: Any, path: tuple[str, ...] = ()) -> Iterator[str]:  # noqa: ANN401
    """Dotted places of strings that making a part would resolve, into a class to call perhaps, after all checks."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from interpolations(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from interpolations(value, (*path, str(index)))
    elif isinstance(node, str) and "${" in node:
        yield ".".join(path)

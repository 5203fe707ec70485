"""The root of a config, and what must hold in it: every problem is named at once."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_type_hints

import hydra.utils
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from poolsweep.batches import batch_problems
from poolsweep.device import device_problems
from poolsweep.distributed.trainer import distribution_problems
from poolsweep.errors import RefusedError, UserError, nearest
from poolsweep.metrics import METRIC_NAMES
from poolsweep.parts import PARTS, Part, base_classes, part_at
from poolsweep.probe.settings import probe_problems


@dataclass
class Root:
    """Keys of the root that are not groups.

    Attributes:
        seed: Drives everything but the splits.
        init_seed: Of new weights; ``seed`` unless given.
        data_seed: Of the training order; ``seed`` unless given.
        study: Folder of runs that belong together.
        output_root: Folder of studies.
        monitor: Validation metric that selects the checkpoint.
        mode: Whether more of it is better.
        matmul_precision: Of float32 matrix products; only ``highest`` keeps GPUs from TensorFloat32.
        trusted: Packages of your own whose classes a config may name.
        retry: Which runs to run again: those that failed, none, or all.
        on_failure: Whether a sweep goes on after a run that failed.
        run_timeout_minutes: A run that takes longer fails; None = no limit.
    """

    seed: int
    init_seed: int
    data_seed: int
    study: str
    output_root: str
    monitor: str
    mode: Literal["max", "min"]
    matmul_precision: Literal["highest", "high", "medium"]
    trusted: list[str]
    retry: Literal["failed", "never", "all"]
    on_failure: Literal["continue", "stop"]
    run_timeout_minutes: float | None


@dataclass
class Checkpointing:
    """Keys of ``checkpoint``: when a run saves all that it goes on from.

    Attributes:
        every_steps: Optimizer steps between checkpoints; None = none for that.
        every_minutes: Minutes between checkpoints; None = none for that.
    """

    every_steps: int | None
    every_minutes: float | None


@dataclass
class Storing:
    """Keys of ``features``: what a frozen encoder gave, stored for later runs.

    Attributes:
        max_gib: All stores under one output root together; None = what the disk holds.
    """

    max_gib: float | None


@dataclass
class Loading:
    """Keys of ``data`` that are about batches, not about the source.

    Attributes:
        max_length: Longest input in tokens, special tokens included; None = the encoder's limit.
        batch_size: Training examples per step and device.
        effective_batch_size: Training examples per optimizer step, on all devices together; None = what follows.
        eval_batch_size: Examples per step in validation and test.
        num_workers: Processes that prepare batches.
        batching: Whether training batches are cut by texts or by tokens.
        max_tokens: Of a batch that is cut by tokens.
    """

    max_length: int | None
    batch_size: int
    effective_batch_size: int | None
    eval_batch_size: int
    num_workers: int
    batching: Literal["by_count", "by_tokens"]
    max_tokens: int


# ${if:condition,yes,no} in YAML: the frozen recipe follows from encoder.frozen alone. Registered on import, so that the
# workers of every launcher have it.
OmegaConf.register_new_resolver("if", lambda condition, yes, no: yes if condition else no, replace=True)

_OF_THE_SWEEP = {"hydra", "race"}  # they choose which runs are made, and are no part of any

LOADING_KEYS = frozenset(field.name for field in fields(Loading))


def resolve(config: DictConfig) -> dict[str, Any]:
    """The config as plain containers, every interpolation resolved, without what is Hydra's or the sweep's.

    Raises:
        UserError: If a mandatory value is missing or an interpolation cannot be resolved.
    """
    missing = sorted(key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra."))
    if missing:
        raise UserError(*(f"{key} must be given: {key}=…" for key in missing))
    part = OmegaConf.masked_copy(config, [str(key) for key in config if key not in _OF_THE_SWEEP])
    try:
        content = OmegaConf.to_container(part, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def validate(config: Mapping[str, Any]) -> None:
    """Check types, targets and names in a resolved config.

    Args:
        config: What ``resolve`` gave.
    Raises:
        RefusedError: With every problem found, if one of them is a ``_target_`` that must not be run.
        UserError: With every problem found.
    """
    problems = _dataclass_problems(Root, {f.name: config.get(f.name) for f in fields(Root)}, prefix="")
    data = config.get("data") or {}
    problems += _dataclass_problems(Loading, {key: data.get(key) for key in LOADING_KEYS}, prefix="data.")
    problems += _dataclass_problems(Storing, config.get("features") or {}, prefix="features.")
    problems += _dataclass_problems(Checkpointing, config.get("checkpoint") or {}, prefix="checkpoint.")
    problems += _range_problems(config)
    problems += device_problems(config.get("trainer") or {})
    problems += probe_problems(config)
    problems += batch_problems(config)
    problems += distribution_problems(config)
    refused = False
    for path, node in _nodes_with_target(config):
        try:
            part, found = _authorised(path, node, trusted=config.get("trusted"))
            problems += _argument_problems(".".join(path), node, found, part)
        except RefusedError as error:
            refused = True
            problems += error.problems
    problems += [
        f"{name} must be chosen: {name}=…"
        for name in PARTS
        if "." not in name and not config.get(name) and name not in {"logger", "callbacks"}
    ]
    if problems:
        raise RefusedError(*problems) if refused else UserError(*problems)


def _range_problems(config: Mapping[str, Any]) -> list[str]:
    problems = []
    monitored = [f"val/{name}" for name in METRIC_NAMES]
    if isinstance(config.get("monitor"), str) and config["monitor"] not in monitored:
        problems.append(f"monitor={config['monitor']} is no validation metric; {nearest(config['monitor'], monitored)}")
    elif str(config.get("monitor", "")).endswith("loss") and config.get("mode") == "max":
        problems.append("monitor=val/loss needs mode=min")
    for key in ("batch_size", "effective_batch_size", "eval_batch_size", "max_length"):
        value = (config.get("data") or {}).get(key)
        if type(value) is int and value < 1:
            problems.append(f"data.{key} must be at least 1, got {value}")
    problems += _batching_problems(config)
    numbers = {"run_timeout_minutes": config.get("run_timeout_minutes")}
    numbers["features.max_gib"] = (config.get("features") or {}).get("max_gib")
    numbers |= {f"checkpoint.{key}": value for key, value in (config.get("checkpoint") or {}).items()}
    problems += [f"{k} must be above 0, got {v}" for k, v in numbers.items() if isinstance(v, int | float) and v <= 0]
    study = config.get("study")
    if isinstance(study, str) and (not study or study.startswith(".") or "/" in study or "\\" in study):
        problems.append(f"study={study!r} must be the name of one folder, without a slash and not starting with a dot")
    return problems


def _batching_problems(config: Mapping[str, Any]) -> list[str]:
    data, trainer = config.get("data") or {}, config.get("trainer") or {}
    if data.get("batching") != "by_tokens":
        return []
    problems = []
    if (config.get("encoder") or {}).get("frozen"):
        problems.append("data.batching=by_tokens needs an encoder that is trained; of a frozen one heads read vectors")
    if trainer.get("devices", 1) not in (1, "1", [0]) or trainer.get("num_nodes", 1) != 1:
        problems.append(f"data.batching=by_tokens runs on one device, got trainer.devices={trainer.get('devices')}")
    length, tokens = data.get("max_length"), data.get("max_tokens")
    if type(length) is int and type(tokens) is int and tokens < 3 * length:
        problems.append(f"data.max_tokens must be at least three times data.max_length={length}, got {tokens}")
    return problems


def _authorised(path: tuple[str, ...], node: Mapping[str, Any], *, trusted: Any) -> tuple[Part, Any]:  # noqa: ANN401
    where, target, part = ".".join(path), str(node["_target_"]), part_at(path)
    if part is None:
        raise RefusedError(f"{where}._target_={target} is refused: no class is expected there")
    prefixes = (*part.prefixes, *(f"{name}." for name in (trusted if isinstance(trusted, list) else [])))
    if not target.startswith(prefixes):
        raise RefusedError(
            f"{where}._target_={target} is refused: it must come from {' or '.join(p.rstrip('.') for p in prefixes)}; "
            f"trust a package of your own with trusted=[{target.split('.', 1)[0]}]"
        )
    try:
        found = hydra.utils.get_object(target)
    except Exception as error:  # importing runs the module's code, which may raise anything
        reason = str(error).strip().splitlines()[0]
        raise RefusedError(f"{where}._target_={target} cannot be imported: {reason}") from error
    bases = base_classes(part)
    if not f"{getattr(found, '__module__', '')}.".startswith(prefixes) or not _makes(found, bases):
        kind = " or ".join(f"a {b.__name__}" for b in bases) if bases is not None else "a function of that package"
        raise RefusedError(f"{where}._target_={target} is refused: it is not {kind}")
    return part, found


def _makes(found: Any, bases: tuple[type, ...] | None) -> bool:  # noqa: ANN401
    """Whether calling ``found`` gives one of ``bases``: it is such a class, or a function annotated to return one."""
    if bases is None:
        return callable(found)
    kind = found if inspect.isclass(found) else _hints(found).get("return")
    return inspect.isclass(kind) and issubclass(kind, bases)


def _hints(found: Any) -> dict[str, Any]:  # noqa: ANN401
    try:
        return get_type_hints(found)
    except (NameError, TypeError):  # annotations that only a type checker can read
        return {}


def _argument_problems(where: str, node: Mapping[str, Any], found: Any, part: Part) -> list[str]:  # noqa: ANN401
    signature = inspect.signature(found)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    skip = {"data": LOADING_KEYS, "trainer": {"precision", "on_oom"}}.get(where, frozenset())  # checked elsewhere
    given = {k: v for k, v in node.items() if not k.startswith("_") and k not in skip}
    known = [n for n, p in signature.parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    problems = [
        f"{where}.{key} is not an option of {node['_target_']}; {nearest(key, set(known) - part.derived)}"
        for key in given
        if key not in known and not takes_any
    ]
    for name, parameter in signature.parameters.items():
        required = parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
        if required and name not in given and name not in part.derived:
            problems.append(f"{where}.{name} must be given")
    hints = _hints(found.__init__ if inspect.isclass(found) else found)
    for key in given.keys() & hints.keys():
        problems += _type_problem(f"{where}.{key}", given[key], hints[key])
    return problems


def _type_problem(where: str, value: Any, expected: Any) -> list[str]:  # noqa: ANN401
    try:
        adapter = TypeAdapter(expected)
    except (PydanticUserError, TypeError, NameError):  # not a type that a config can hold, so nothing to compare with
        return []
    try:
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        name = expected.__name__ if inspect.isclass(expected) else str(expected).replace("typing.", "")
        reason = error.errors()[0]["msg"] if "literal" in error.errors()[0]["type"] else f"must be {name}"
        return [f"{where} {reason[0].lower()}{reason[1:]}, got {value!r}"]
    except (TypeError, ValueError):
        return [f"{where} cannot be {value!r}"]
    return []


def _dataclass_problems(kind: type, values: Mapping[str, Any], *, prefix: str) -> list[str]:
    hints = get_type_hints(kind)
    return [p for name, value in values.items() for p in _type_problem(f"{prefix}{name}", value, hints[name])]


def _nodes_with_target(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:  # noqa: ANN401
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield path, node
        for key, value in node.items():
            yield from _nodes_with_target(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nodes_with_target(value, (*path, str(index)))

"""The grids of a sweep: what is typed, what ``sweep.also`` joins to it, and the points of ``sweep.file``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.types import Override, Quote, QuotedString
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_yaml_loader

from poolsweep.errors import UserError, did_you_mean, nearest
from poolsweep.files.writing import read_plain

Parse = Callable[[list[str]], list[Override]]

_KEYS = ("also", "file")
_OF_THE_COMMAND = ("hydra", "sweep", "race", "optuna", "study", "output_root")  # there is one of each in a sweep
_MOST_FOLDS = 10_000
_LARGEST = 2**24  # bytes of a file of points


@dataclass(frozen=True)
class Grid:
    """Overrides of which every combination is a run.

    Attributes:
        overrides: Fixed and swept ones.
        origin: Place where they were read, for messages; empty for the command line.
        own: Keys of what was read there.
    """

    overrides: tuple[Override, ...]
    origin: str = ""
    own: frozenset[str] = frozenset()


def read_grids(typed: Sequence[Override], *, config: DictConfig, parse: Parse) -> list[Grid]:
    """The grids of a command.

    Each point of ``sweep.file`` is crossed with all that is typed; a grid of ``sweep.also`` takes over what is fixed,
    and sweeps nothing but its own. What either says wins over what is typed.

    Args:
        typed: Overrides of the command line.
        config: Composed, with the keys of ``sweep``.
        parse: Parses overrides.
    Raises:
        UserError: With what is wrong with them.
    """
    also, file = _options(config)
    grids = [_onto(typed, point, origin) for point, origin in _points(file, parse)] if file else [Grid(tuple(typed))]
    fixed = [override for override in typed if not override.is_sweep_override()]
    for place, text in enumerate(also, 1):
        origin = f"sweep.also, grid {place}"
        grids.append(_onto(fixed, _parsed(_words(text, origin), origin, parse), origin))
    return [_with_folds(grid, config, parse) for grid in grids]


def is_one_grid(config: DictConfig) -> bool:
    """Whether neither ``sweep.also`` nor ``sweep.file`` is given."""
    return not any(_options(config))


def _options(config: DictConfig) -> tuple[list[str], str | None]:
    node = config.get("sweep")
    if not OmegaConf.is_dict(node):
        raise UserError(f"sweep takes no value but its keys, sweep.also and sweep.file; got {node!r}")
    assert isinstance(node, DictConfig)
    if unknown := [key for key in node if key not in _KEYS]:
        raise UserError(*(f"there is no key sweep.{key}; {nearest(str(key), _KEYS)}" for key in unknown))
    given = OmegaConf.to_container(node, resolve=True)
    assert isinstance(given, dict)
    also, file = given.get("also"), given.get("file")
    grids = [also] if isinstance(also, str) else also or []
    if not isinstance(grids, list) or not all(isinstance(one, str) and one.strip() for one in grids):
        raise UserError(f"sweep.also must be a list of grids, sweep.also=['pooling=cls seed=0,1'], got {also!r}")
    if file is not None and not (isinstance(file, str) and file):
        raise UserError(f"sweep.file must be the path of a YAML file, got {file!r}")
    return grids, file


def _onto(below: Iterable[Override], own: Sequence[Override], origin: str) -> Grid:
    keys = frozenset(override.key_or_group for override in own)
    kept = [override for override in below if override.key_or_group not in keys]
    return Grid((*kept, *own), origin, frozenset(override.get_key_element() for override in own))


def _with_folds(grid: Grid, config: DictConfig, parse: Parse) -> Grid:
    """With the folds that ``data.folds`` stands for, unless they were chosen."""
    chosen = {override.key_or_group: override for override in grid.overrides}
    if "data.fold" in chosen:
        return grid
    if "data.folds" in chosen:
        folds = chosen["data.folds"].value()
    else:
        folds = OmegaConf.select(config, "data.folds", throw_on_missing=False, throw_on_resolution_failure=False)
    if type(folds) is not int or folds not in range(2, _MOST_FOLDS + 1):  # what it may be is said with all else
        return grid
    listed = parse([f"data.fold={','.join(map(str, range(folds)))}"])
    return Grid((*grid.overrides, *listed), grid.origin, grid.own)


def _words(text: str, origin: str) -> list[str]:
    """Overrides as a shell would part them."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UserError(f"{origin}: {text} cannot be parted into overrides: {error}") from error


def _parsed(words: list[str], origin: str, parse: Parse) -> list[Override]:
    """Overrides of a grid.

    Raises:
        UserError: If one cannot be parsed, or says what a sweep says once.
    """
    try:
        overrides = parse(words)
    except UserError as error:
        raise UserError(*(f"{origin}: {problem}" for problem in error.problems)) from error
    for override in overrides:
        root = override.key_or_group.replace("/", ".").partition(".")[0]
        if root in _OF_THE_COMMAND:
            raise UserError(f"{origin}: {override.key_or_group} is said once for a whole sweep, on the command line")
    return overrides


def _points(file: str, parse: Parse) -> list[tuple[list[Override], str]]:
    """The points of a file, each with where it stands."""
    found = []
    for place, point in enumerate(_read(Path(file)), 1):
        origin = f"{file}, point {place}"
        if isinstance(point, str):
            words = _words(point, origin)
        elif isinstance(point, Mapping):
            words = [_override(key, value, parse) for key, value in _leaves(point)]
        else:
            words = []
        if not words:
            raise UserError(f"{origin} must be overrides, 'pooling=cls seed=0', or KEY: VALUE pairs, got {point!r}")
        found.append((_parsed(words, origin, parse), origin))
    return found


def _read(path: Path) -> list[Any]:
    try:
        content = yaml.load(read_plain(path, at_most=_LARGEST).decode("utf-8"), get_yaml_loader())
    except OSError as error:
        beside = path.parent.glob("*.y*ml") if isinstance(error, FileNotFoundError) else ()
        hint = did_you_mean(path.name, (one.name for one in beside))
        raise UserError(f"sweep.file={path} cannot be read: {error.strerror or error}{hint}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"sweep.file={path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, list) or not content:
        raise UserError(f"sweep.file={path} must hold a list of points, such as '- pooling=cls optimizer.lr=1e-3'")
    return content


def _leaves(node: Mapping[Any, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Dotted key → value."""
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _override(key: str, value: Any, parse: Parse) -> str:  # noqa: ANN401
    """An override in Hydra's grammar, in quotes only where that reads a text as something else."""
    if isinstance(value, str):
        plain = f"{key}={value}"
        try:
            [read] = parse([plain])
            if not read.is_sweep_override() and read.value() == value:
                return plain
        except UserError:
            pass
    return f"{key}={_written(value)}"


def _written(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return repr(value) if isinstance(value, int | float) else QuotedString(str(value), Quote.double).with_quotes()

"""What Hydra refuses, in one sentence with the nearest valid names."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from poolsweep.cli.arguments import refuse
from poolsweep.conf_dir import conf_dir, config_dirs, own_config_dir
from poolsweep.errors import closest, nearest
from poolsweep.files.missing import instead_of


def flags_last(arguments: Sequence[str]) -> list[str]:
    """The same command line in the order that Hydra wants: overrides, then flags with their values.

    Raises:
        UserError: If there is a flag that Hydra does not know, or one without its value or with one of another's.
    """
    parser = get_args_parser()
    parser.prog, parser.error = "poolsweep train", partial(refuse, parser)  # type: ignore[method-assign]
    overrides = parser.parse_intermixed_args(list(arguments)).overrides
    flags = list(arguments)
    for override in overrides:
        flags.remove(override)
    return [*overrides, *flags]


def is_hydras(error: Exception) -> bool:
    """Whether Hydra refused what was typed: by an exception of its own, or by any that its code raised on the way."""
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        return True
    raised_in = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
    return any(name.startswith(("hydra.", "omegaconf.", "antlr4.")) for name in raised_in)


def in_one_line(error: Exception, arguments: Sequence[str] = ()) -> str:
    """What Hydra refused, in one sentence.

    Args:
        error: Hydra's or OmegaConf's.
        arguments: The command line, which says what options the groups have.
    """
    with own_config_dir(arguments):
        return _sentence(error, arguments)


def _sentence(error: Exception, arguments: Sequence[str]) -> str:
    text = str(error).strip()
    if isinstance(error, OverrideParseException):
        return f"{error.override} cannot be parsed: {text.splitlines()[0]}{_quoted(error.override)}"
    folder = re.search(r"Additional config directory '(.+)' not found", text)
    if folder:
        return f"--config-dir={folder.group(1)} does not exist{instead_of(Path(folder.group(1)), fits=Path.is_dir)}"
    option = re.search(r"Could not (?:find|load) '(.+?)/([^/']+)'", text)
    if option:
        group = option.group(1)
        return f"{group}={option.group(2)} is no option of {group}; {nearest(option.group(2), _options(group))}"
    unknown = re.search(r"Could not override '(.+?)'", text) or re.search(r"Key '(.+?)' is not in struct", text)
    if unknown:
        return _unknown_key(unknown.group(1), arguments)
    listed = next((group for group in _groups() for a in arguments if a.lstrip("+~").startswith(f"{group}=[")), None)
    if isinstance(error, TypeError) and listed is not None:  # Hydra takes what a list holds for names of options
        return f"{listed}=[…] holds something else than names of options; {nearest('', _options(listed))}"
    group = re.search(r"In '.+': Could not override '(.+?)'\. No match in the defaults list", text)
    if group:
        return f"there is no group {group.group(1)}; {nearest(group.group(1), _groups())}"
    said = " ".join(line.strip() for line in text.splitlines()[:2])
    return said or f"{type(error).__name__} of {' '.join(arguments)}"


def _quoted(override: str) -> str:
    """The same override with its value in quotes, if that is what was missing: for column names, say."""
    key, equals, value = override.partition("=")
    if not equals or not re.search(r"[^\w/.+%@*\\-]|[^\x00-\x7f]", value) or value[0] in "[{'\"":
        return ""
    return f"""; quote what has special characters: {key}='"{value}"'"""


def _unknown_key(key: str, arguments: Sequence[str]) -> str:
    """The chosen options of its group decide which keys there are; another option may have it."""
    parent, _, name = key.rpartition(".")
    group = parent.replace(".", "/")
    if any(argument.startswith(f"{parent}._target_=") for argument in arguments):
        return f"{key} is new beside another {parent}._target_: +{key}=… gives it"
    if group in _options("sweep"):
        if group not in _chosen("sweep", arguments):
            return f"{key} is a key of sweep={group}, which must be given too"
        own = _read(_file("sweep", group)).get(group, {})
        return f"there is no key {key}; {nearest(key, [f'{group}.{known}' for known in own])}"
    if within := _key_within_option(key, arguments):
        return within
    root = _read(conf_dir() / "train.yaml")
    if group not in _groups() or isinstance(root.get(group), dict):
        nested = [f"{above}.{below}" for above, value in root.items() if isinstance(value, dict) for below in value]
        own = nested if f"{parent}." in {f"{one.partition('.')[0]}." for one in nested} else [*_groups(), *root]
        own = sorted(set(own) - {"defaults", "hydra"})
        known = sorted({*own, *nested, *_dotted_keys()}) if parent else own
        return f"there is no key {key}; {nearest(key, known if closest(key, known) else own)}"
    chosen = _chosen(group, arguments)
    lacking = next((option for option in chosen if name not in _keys(group, option)), None)
    others = [option for option in _options(group) if name in _keys(group, option)]
    if lacking is not None and others:
        known = ", ".join(sorted(_keys(group, lacking))) or "none"
        others.sort(key=lambda option: _read(_file(group, option)).get(name) != "???")
        who = " or ".join(f"{group}={option}" for option in others[:3])
        return f"{group}={lacking} has no key {name}, choose {who} for it; its keys: {known}"
    found = sorted(set().union(*(_keys(group, option) for option in chosen)))
    for option in _options(group):
        elsewhere = closest(name, sorted(_keys(group, option)))
        if elsewhere and elsewhere[0] > (closest(name, found) or [(0.0, "")])[0]:
            return f"there is no key {key}; did you mean {parent}.{elsewhere[0][1]}, a key of {group}={option}?"
    return f"there is no key {key}; {nearest(key, [f'{parent}.{known}' for known in found])}"


def _key_within_option(key: str, arguments: Sequence[str]) -> str | None:
    """What to say of a key below those that an option sets itself, as ``logger.wandb.project``; None if it is none."""
    parent, _, name = key.rpartition(".")
    group, *inside = parent.split(".")
    having: dict[str, list[str]] = {}
    for option in _options(group) if inside else ():
        found: Any = _read(_file(group, option))
        for step in inside:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, dict):
            having[option] = [known for known in found if not known.startswith("_")]
    chosen = [option for option in _chosen(group, arguments) if option in having]
    if chosen:
        return f"there is no key {key}; {nearest(key, [f'{parent}.{k}' for option in chosen for k in having[option]])}"
    others = [option for option, keys in having.items() if name in keys]
    return f"{key} is a key of {group}={' or '.join(others)}, which must be given too" if others else None


def _dotted_keys() -> list[str]:
    """Every key of every option, as it is typed; two levels of those within options."""
    found = set()
    for group in _groups():
        start = group.replace("/", ".")
        for option in _options(group):
            content = _read(_file(group, option))
            for key in _keys(group, option):
                inner = content.get(key)
                found |= {
                    f"{start}.{key}",
                    *(f"{start}.{key}.{below}" for below in (inner if isinstance(inner, dict) else ())),
                }
    return sorted(found)


def _groups() -> list[str]:
    return sorted({p.relative_to(root).as_posix() for root in config_dirs() for p in root.rglob("*") if p.is_dir()})


def _options(group: str) -> list[str]:
    found = {path.stem for root in config_dirs() for path in (root / group).glob("*.yaml")}
    return sorted(name for name in found if not name.startswith("_"))


def _file(group: str, option: str) -> Path:
    """Of an option: the first folder that has it counts."""
    files = [root / group / f"{option}.yaml" for root in config_dirs()]
    return next((path for path in files if path.is_file()), files[0])


def _chosen(group: str, arguments: Sequence[str]) -> list[str]:
    """Names of the options of a group that a command line chooses; several if they are swept."""
    typed = [a.removeprefix("+").partition("=")[2] for a in arguments if a.removeprefix("+").startswith(f"{group}=")]
    if typed:
        return [name for option in typed[-1].split(",") if (name := option.strip("[] ")) in _options(group)]
    experiment = _chosen("experiment", arguments) if group != "experiment" else []
    files = [_file("experiment", name) for name in experiment]
    above, _, last = group.rpartition("/")
    if above:
        files += [_file(above, name) for name in _chosen(above, arguments)]
    for path in [*files, conf_dir() / "train.yaml"]:
        for default in _read(path).get("defaults", []):
            for said, option in default.items() if isinstance(default, dict) else ():
                if said.removeprefix("override ").removeprefix("/") in {group, last if above else group}:
                    return [option]
    return []


def _keys(group: str, option: str) -> set[str]:
    """Keys that an option's file sets, with those of the files it is made of."""
    path = _file(group, option)
    bases = [base for base in _read(path).get("defaults", []) if isinstance(base, str) and base != "_self_"]
    return _keys_of(path).union(*(_keys(group, base) for base in bases))


def _keys_of(path: Path) -> set[str]:
    return {key for key in _read(path) if key not in {"defaults", "hydra"} and not key.startswith("_")}


@cache
def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.is_file() else {}

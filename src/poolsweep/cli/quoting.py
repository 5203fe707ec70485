"""Writes overrides as Hydra's grammar takes them, where it is plain what is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from poolsweep.conf_dir import conf_dir

_DOTTED = re.compile(r"\w+(\.\w+)+")
_ELEMENT = re.compile(r"[^,\[\]()]+")  # of a sweep, a list or the arguments of a function


def quoted(arguments: Iterable[str]) -> list[str]:
    """A command line with its values beyond ASCII in quotes: no character of Hydra's grammar is one of these.

    What holds quotes, braces or an interpolation already is left as it is. A group may be named with dots.

    Args:
        arguments: Overrides and flags.
    Example:
        >>> quoted(["data.train=josé/a.csv,b.csv", "study=Übung eins", "-m", "name='é'"])
        ['data.train="josé/a.csv",b.csv', 'study="Übung eins"', '-m', "name='é'"]
        >>> quoted(["callbacks.average=ema,swa", "callbacks.average.decay=0.9"])
        ['callbacks/average=ema,swa', 'callbacks.average.decay=0.9']
    """
    return [_quoted(_of_group(argument)) for argument in arguments]


def _of_group(argument: str) -> str:
    """``callbacks/average=ema`` for ``callbacks.average=ema``, but not where keys are given: ``={…}``."""
    key, equals, value = argument.partition("=")
    group = key.replace(".", "/")
    if not equals or value.startswith("{") or not _DOTTED.fullmatch(key) or not (conf_dir() / group).is_dir():
        return argument
    has_none = (conf_dir() / group / "none.yaml").is_file()
    options = ("none" if option == "null" and has_none else option for option in value.split(","))
    return f"{group}={','.join(options)}"


def _quoted(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if not equals or value.isascii() or re.search(r"""['"{}$\\]""", value):
        return argument
    return key + equals + _ELEMENT.sub(lambda found: found[0] if found[0].isascii() else f'"{found[0]}"', value)

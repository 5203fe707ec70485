"""Quotes what Hydra's grammar takes only in quotes, where it is plain what is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ELEMENT = re.compile(r"[^,\[\]()]+")  # of a sweep, a list or the arguments of a function


def quoted(arguments: Iterable[str]) -> list[str]:
    """A command line with its values beyond ASCII in quotes: no character of Hydra's grammar is one of these.

    What holds quotes, braces or an interpolation already is left as it is.

    Args:
        arguments: Overrides and flags.
    Example:
        >>> quoted(["data.train=josé/a.csv,b.csv", "study=Übung eins", "-m", "name='é'"])
        ['data.train="josé/a.csv",b.csv', 'study="Übung eins"', '-m', "name='é'"]
    """
    return [_quoted(argument) for argument in arguments]


def _quoted(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if not equals or value.isascii() or re.search(r"""['"{}$\\]""", value):
        return argument
    return key + equals + _ELEMENT.sub(lambda found: found[0] if found[0].isascii() else f'"{found[0]}"', value)

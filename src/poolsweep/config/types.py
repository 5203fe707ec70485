"""Whether values are of the types that they are declared to be, and within their bounds."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, Unpack, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails

from poolsweep.bounds import Described
from poolsweep.errors import did_you_mean

_LARGEST = 2**63  # of whole numbers: torch, NumPy and Arrow take no larger ones
_BOUNDS = {
    "greater_than": "above {gt}", "greater_than_equal": "at least {ge}", "less_than": "below {lt}",
    "less_than_equal": "at most {le}", "finite_number": "a finite number", "too_short": "at least {min_length} long",
    "string_too_short": "at least {min_length} long",
}  # fmt: skip


def dataclass_problems(kind: type, values: Mapping[str, Any], *, prefix: str) -> list[str]:
    """Values that are not of the types of a dataclass's fields.

    Args:
        kind: The dataclass.
        values: Field → value.
        prefix: What is put before a field's name.
    """
    hints = hints_of(kind)
    return [p for name, value in values.items() for p in type_problem(f"{prefix}{name}", value, hints[name])]


@lru_cache(maxsize=256)
def hints_of(found: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """The annotations of a class's fields or a function's arguments, with their bounds."""
    try:
        return get_type_hints(found, include_extras=True)
    except (NameError, TypeError):  # annotations that only a type checker can read
        return {}


def open_options(found: Any) -> Mapping[str, Any] | None:  # noqa: ANN401
    """What a class or function takes beside its named arguments: key → type, as ``**options: Unpack[…]`` says.

    Returns:
        None if it takes anything; empty if it takes nothing more.
    """
    made = found.__init__ if inspect.isclass(found) else found
    rest = [p.name for p in inspect.signature(made).parameters.values() if p.kind is p.VAR_KEYWORD]
    if not rest:
        return {}
    annotation = hints_of(made).get(rest[0])
    return hints_of(get_args(annotation)[0]) if get_origin(annotation) is Unpack else None


def type_problem(where: str, value: Any, expected: Any) -> list[str]:  # noqa: ANN401
    """Why a value is not of a type, if it is not.

    Args:
        where: Dotted key of the value.
        value: Value, as YAML gives it.
        expected: What an annotation says.
    """
    if any(abs(number) >= _LARGEST for number in _whole_numbers(value)):
        return [f"{where} holds a number that is too large: {str(value)[:40]}"]
    adapter = _adapter(expected)
    if adapter is None:
        return []
    try:
        adapter.validate_json(json.dumps(value))
    except ValidationError as error:
        return [f"{where} {_rule(error.errors(), expected)}, got {value!r}{did_you_mean(value, _choices(expected))}"]
    except (TypeError, ValueError):
        return [f"{where} cannot be {value!r}"]
    return []


def _adapter(expected: Any) -> TypeAdapter[Any] | None:  # noqa: ANN401
    """Checks values against a type; None if it is none that a config can hold, so that there is nothing to compare."""
    try:
        return _cached_adapter(expected)
    except TypeError:  # no hash
        return None


@lru_cache(maxsize=512)
def _cached_adapter(expected: Any) -> TypeAdapter[Any] | None:  # noqa: ANN401
    try:
        return TypeAdapter(expected, config=ConfigDict(strict=True, allow_inf_nan=False))
    except (PydanticUserError, NameError):
        return None


def _rule(errors: list[ErrorDetails], expected: Any) -> str:  # noqa: ANN401
    described = [one.words for one in get_args(expected) if isinstance(one, Described)]
    if described:
        return f"must be {described[0]}"
    for error in errors:
        if error["type"] in _BOUNDS:
            bounds = {
                key: f"{value:.15g}" for key, value in error.get("ctx", {}).items() if isinstance(value, int | float)
            }
            return f"must be {_BOUNDS[error['type']].format(**bounds)}"
    return f"must be {_name(expected)}"


def _choices(expected: Any) -> list[str]:  # noqa: ANN401
    """The words among which a type lets one choose."""
    inside = get_args(expected)
    if get_origin(expected) is Literal:
        return [one for one in inside if isinstance(one, str)]
    return [word for one in inside for word in _choices(one)]


def _name(expected: Any) -> str:  # noqa: ANN401
    """A type in words.

    Example:
        >>> _name(int | None), _name(Literal["a", "b"]), _name(list[str])
        ('int or null', "'a' or 'b'", 'list[str]')
    """
    origin, inside = get_origin(expected), get_args(expected)
    if expected is None or expected is types.NoneType:
        return "null"
    if origin is Annotated:
        return _name(inside[0])
    if origin is Literal:
        return " or ".join(repr(one) for one in inside)
    if origin is Union or origin is types.UnionType:
        return " or ".join(dict.fromkeys(_name(one) for one in inside))
    if origin is not None and inspect.isclass(origin):
        return f"{origin.__name__}[{', '.join(_name(one) for one in inside)}]"
    return expected.__name__ if inspect.isclass(expected) else str(expected).replace("typing.", "")


def _whole_numbers(value: Any) -> Iterator[int]:  # noqa: ANN401
    if isinstance(value, int):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _whole_numbers(one)
    elif isinstance(value, Mapping):
        yield from _whole_numbers(list(value.values()))

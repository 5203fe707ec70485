"""Whether values are of the types that they are declared to be."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError


def dataclass_problems(kind: type, values: Mapping[str, Any], *, prefix: str) -> list[str]:
    """Values that are not of the types of a dataclass's fields.

    Args:
        kind: The dataclass.
        values: Field → value.
        prefix: What is put before a field's name.
    """
    hints = get_type_hints(kind)
    return [p for name, value in values.items() for p in type_problem(f"{prefix}{name}", value, hints[name])]


def type_problem(where: str, value: Any, expected: Any) -> list[str]:  # noqa: ANN401
    """Why a value is not of a type, if it is not.

    Args:
        where: Its key.
        value: As YAML gives it.
        expected: What an annotation says.
    """
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

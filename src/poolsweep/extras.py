"""Packages that a part stands on and that come with an extra; nothing heavy is imported here."""

from __future__ import annotations

import importlib.util

from poolsweep.errors import UserError


def lacking(package: str, *, asked_by: str, extra: str | None = None) -> str | None:
    """What to say of a package that is not installed; None if it is.

    Args:
        package: Name of the package, as it is imported.
        asked_by: What the user typed that needs it.
        extra: Extra of poolsweep; ``package`` unless given.
    """
    if importlib.util.find_spec(package) is not None:
        return None
    return f"{asked_by} needs {package}: pip install 'poolsweep[{extra or package}]'"


def require(package: str, *, asked_by: str, extra: str | None = None) -> None:
    """Refuse to go on without a package.

    Args:
        package: Name of the package, as it is imported.
        asked_by: What the user typed that needs it.
        extra: Extra of poolsweep; ``package`` unless given.
    Raises:
        UserError: With the line that installs it.
    """
    if (problem := lacking(package, asked_by=asked_by, extra=extra)) is not None:
        raise UserError(problem)

"""Keeps keys, tokens and passwords out of records, logs and trackers."""

from __future__ import annotations

import os
import re
from typing import Any

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
_SHORTEST = 8  # shorter values stand in other words too
HIDDEN = "[hidden]"


def redacted(text: str) -> str:
    """A text without the values of environment variables that hold keys, and without logins in addresses.

    Args:
        text: To be written where others may read it.
    Example:
        >>> redacted("cannot reach https://me:mine@tracking.example/api")
        'cannot reach https://[hidden]@tracking.example/api'
    """
    for value in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return _LOGIN_IN_URL.sub(rf"\1{HIDDEN}@", text)


def without_secrets(node: Any) -> Any:  # noqa: ANN401
    """Plain containers with every text in them redacted."""
    if isinstance(node, dict):
        return {key: without_secrets(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [without_secrets(value) for value in node]
    return redacted(node) if isinstance(node, str) else node


def _secrets() -> set[str]:
    return {v for name, v in os.environ.items() if len(v) >= _SHORTEST and _SECRET_NAME.search(name)}

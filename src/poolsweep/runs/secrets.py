"""Keeps keys, tokens and passwords out of records, logs and trackers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from poolsweep.config.node import Node

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
_KEY_IN_QUERY = re.compile(
    r"([?&][\w.-]*(?:key|token|secret|password|passwd|sig|signature)=)[^&\s#'\"]+", re.IGNORECASE
)
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
    return _redacted(text, _secrets())


def _redacted(text: str, secrets: Sequence[str]) -> str:
    for value in secrets:
        text = text.replace(value, HIDDEN)
    return _KEY_IN_QUERY.sub(rf"\1{HIDDEN}", _LOGIN_IN_URL.sub(rf"\1{HIDDEN}@", text))


def without_secrets(node: Any) -> Any:  # noqa: ANN401
    """Plain containers with every text in them redacted."""
    return _without(node, _secrets())


def _without(node: Any, secrets: Sequence[str]) -> Any:  # noqa: ANN401
    if isinstance(node, dict):
        return {key: _without(value, secrets) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_without(value, secrets) for value in node]
    return _redacted(node, secrets) if isinstance(node, str) else node


def recorded(config: Node) -> Node:
    """A config as it may be written: without logins, and without what keys of a logger are named for.

    Args:
        config: Resolved; the run itself goes on with this one.
    Example:
        >>> recorded(Node({"seed": 1, "logger": {"mine": {"api_key": "abc", "uri": "http://me:mine@host"}}}))
        Node({'seed': 1, 'logger': {'mine': {'api_key': '[hidden]', 'uri': 'http://[hidden]@host'}}})
    """
    content = without_secrets(dict(config))
    return Node(content | ({"logger": _without_keys(content["logger"])} if content.get("logger") else {}))


def _without_keys(node: Any) -> Any:  # noqa: ANN401
    if not isinstance(node, dict):
        return node
    named = {key for key, value in node.items() if isinstance(value, str) and _SECRET_NAME.search(str(key))}
    return {key: HIDDEN if key in named else _without_keys(value) for key, value in node.items()}


def _secrets() -> list[str]:
    """Values of variables that hold keys, the longest first; a variable that names a file holds none."""
    found = {v for name, v in os.environ.items() if len(v) >= _SHORTEST and _SECRET_NAME.search(name)}
    return sorted((value for value in found if not os.path.lexists(value)), key=len, reverse=True)

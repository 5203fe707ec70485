"""Keeps keys, tokens and passwords out of records, logs and trackers."""

from __future__ import annotations

import os
import re
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
    for value in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return _KEY_IN_QUERY.sub(rf"\1{HIDDEN}", _LOGIN_IN_URL.sub(rf"\1{HIDDEN}@", text))


def without_secrets(node: Any) -> Any:  # noqa: ANN401
    """Plain containers with every text in them redacted."""
    if isinstance(node, dict):
        return {key: without_secrets(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [without_secrets(value) for value in node]
    return redacted(node) if isinstance(node, str) else node


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


def _secrets() -> set[str]:
    """Of variables that hold keys; one that names a file holds none."""
    found = {v for name, v in os.environ.items() if len(v) >= _SHORTEST and _SECRET_NAME.search(name)}
    return {value for value in found if not os.path.lexists(value)}

"""A node of a config: what ``instantiate`` makes a part of, or what a run folder stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Node(Mapping[str, Any]):
    """A mapping of a resolved config, as YAML gives it; below ``config/`` only what makes its part reads it.

    Args:
        content: Plain containers.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = dict(content)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"Node({self._content!r})"

    @property
    def target(self) -> str:
        """The dotted name of the class or function that it is made by."""
        return str(self._content["_target_"])

    def without(self, *keys: str) -> Node:
        """The node without some keys."""
        return Node({key: value for key, value in self._content.items() if key not in keys})

    def plain(self) -> dict[str, Any]:
        """The plain containers, to be written or hashed."""
        return dict(self._content)

"""A config as a tree in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import yaml
from rich.text import Text
from rich.tree import Tree

from poolsweep.config.node import Node
from poolsweep.runs.secrets import recorded


def config_tree(content: Node) -> Tree:
    """The resolved config of a run: a branch per section, a leaf per key, and no logins.

    Example:
        >>> from rich.console import Console
        >>> Console(width=40).print(config_tree(Node({"seed": 0, "head": {"bias": True}})))
        config
        ├── seed: 0
        └── head
            └── bias: true
    """
    return _branch(Tree(Text("config", style="bold")), recorded(content))


def _branch(tree: Tree, node: Mapping[str, object]) -> Tree:
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            _branch(tree.add(Text(str(key), style="bold")), value)
        else:
            written = yaml.safe_dump(value, default_flow_style=True, width=2**16).removesuffix("...\n").strip()
            tree.add(Text(f"{key}: {written}"))
    return tree

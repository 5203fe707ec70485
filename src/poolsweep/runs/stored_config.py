"""config.yaml of a run folder: written and read in one place, in a form that cannot blow up when it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xxhash
import yaml

from poolsweep.config.node import Node
from poolsweep.errors import UserError
from poolsweep.files.writing import read_plain, write_whole
from poolsweep.runs.folder import RunFolder

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
_LARGEST = 2**20  # bytes; a resolved config has a few thousand
_DEEPEST = 50
_EMPTY = re.compile(r": (?:\{\}|\[\])$", re.MULTILINE)  # a mapping or list of nothing, as every config has
_MARK = b"# checksum of the lines below: "  # the first line, so that a file that was cut is noticed wherever it was cut


# Keys that runs of the first versions lack; they say nothing about a run that has finished.
_SINCE_0_1 = {"retry": "failed", "on_failure": "continue", "run_timeout_minutes": None}
_PARTS = ("data", "encoder", "pooling", "trainer")


class OddConfigError(ValueError):
    """A stored config is not what poolsweep writes."""


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401
        return True


def write_config(path: Path, config: Node) -> None:
    """Write a resolved config under a line with its checksum."""
    text = yaml.dump(config.plain(), Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True).encode()
    with write_whole(path) as temporary:
        temporary.write_bytes(_marked(text))


def _marked(text: bytes) -> bytes:
    return _MARK + xxhash.xxh3_64_hexdigest(text).encode() + b"\n" + text


def read_config(path: Path) -> Node:
    """Read a resolved config.

    Raises:
        OddConfigError: If it is there and is no such file.
        OSError: If it does not exist or cannot be read.
    """
    return parse_config(read_plain(path, at_most=_LARGEST), name=path.name)


def parse_config(content: bytes, *, name: str = "config.yaml") -> Node:
    """A resolved config from its text.

    A few short lines with aliases stand for billions of values, and deep nesting ends the parser: neither is read.
    A text without a checksum is read even so.

    Args:
        content: Bytes of the file.
        name: Name of the file, for messages.
    Raises:
        OddConfigError: If it is no such text.
    """
    if len(content) > _LARGEST:
        raise OddConfigError(f"{name} has {len(content):,} bytes, more than any config")
    first, _, below = content.partition(b"\n")
    if _MARK in first and content != _marked(below):
        raise OddConfigError(f"{name} is damaged: its checksum is another")
    try:
        text = content.decode("utf-8")
        inner = _EMPTY.sub(":", text)
        if any(mark in inner for mark in ("&", "*", "[", "{", "- -", " " * _DEEPEST)):
            _require_plain(text, name)
        config = yaml.load(text, _LOADER)
    except (UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError) as error:
        if isinstance(error, OddConfigError):
            raise
        raise OddConfigError(f"{name} is damaged: it is no YAML") from error
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise OddConfigError(f"{name} is damaged: it holds no config")
    return Node(config)


def _require_plain(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise OddConfigError(f"{name} has aliases, which no config has")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise OddConfigError(f"{name} is nested more than {_DEEPEST} deep")


def stored_config(folder: RunFolder, *, trusted: Sequence[str], trust_remote_code: bool) -> dict[str, Any]:
    """The keys of a run's config, with the caller's trust in place of its own; nothing of them is made.

    Args:
        folder: The run's, perhaps a stranger's.
        trusted: Packages whose classes the run may name.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it cannot be read, or asks for more trust.
    """
    try:
        recorded = read_config(folder.config)
    except (OSError, OddConfigError) as error:
        raise UserError(f"{folder.config} cannot be read: {error}") from error
    if not all(isinstance(recorded.get(part), dict) for part in _PARTS):
        raise UserError(f"{folder.config} is no config of a run: it must have {', '.join(_PARTS)}")
    config: dict[str, Any] = _SINCE_0_1 | recorded.plain() | {"trusted": list(trusted)}
    if config["encoder"].get("trust_remote_code", False) is not False:
        if not trust_remote_code:
            raise UserError(
                f"{folder.path} was trained with code that encoder.model={config['encoder'].get('model')} carries; "
                "look at that code, then run it with --trust-remote-code"
            )
        config["encoder"] = config["encoder"] | {"trust_remote_code": True}
    return config

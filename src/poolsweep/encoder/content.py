"""What a folder with an encoder holds, so that two folders are the same encoder where their contents are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from poolsweep.files.hashing import file_hash

# Of other frameworks and of training; no encoder is loaded from them.
_NOT_READ = {".bin", ".ckpt", ".gguf", ".h5", ".lock", ".log", ".md", ".msgpack", ".onnx", ".ot", ".pt", ".pth"}
_OF_TRAINING = {"trainer_state.json", "all_results.json", "eval_results.json", "train_results.json"}


def folder_content(folder: Path, *, runs_code: bool = False) -> dict[str, str]:
    """The hash of every file that can change what an encoder gives, by its path in the folder.

    Args:
        folder: In the hub's format.
        runs_code: The folder's own code is run, which may read any file.
    """
    files = folder.rglob("*") if runs_code else folder.iterdir()
    names = {path.relative_to(folder).as_posix(): path for path in files if path.is_file()}
    return {name: file_hash(names[name]) for name in sorted(names) if runs_code or _counts(names[name])} | {
        name: file_hash(path) for name, path in _shards(folder) if name not in names
    }


def _counts(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() not in _NOT_READ and path.name not in _OF_TRAINING


def _shards(folder: Path) -> Iterator[tuple[str, Path]]:
    """Shards of the weights that lie in folders of their own, as an index says."""
    for index in folder.glob("*.safetensors.index.json"):
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError):  # said when it is loaded
            continue
        yield from ((name, folder / name) for name in sorted(map(str, names)) if (folder / name).is_file())

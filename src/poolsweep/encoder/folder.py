"""A folder that an encoder is loaded from: whether it is one, and the hashes of its content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

from poolsweep.errors import UserError
from poolsweep.files.hashing import file_hash
from poolsweep.files.missing import instead_of
from poolsweep.files.writing import read_plain

MODULES = "modules.json"  # of a folder of sentence-transformers

_TOKENIZER_FILES = ("tokenizer.json", "vocab.*", "*.model", "*.spm", "*.tiktoken", "merges.txt", "bpe.codes")
# Files of other frameworks and of training; no encoder is loaded from them.
_NOT_READ = {".bin", ".ckpt", ".gguf", ".h5", ".lock", ".log", ".md", ".msgpack", ".onnx", ".ot", ".pt", ".pth"}
_OF_TRAINING = {"trainer_state.json", "all_results.json", "eval_results.json", "train_results.json"}


def require_encoder_folder(model: str) -> None:
    """Refuse a path that is no folder with an encoder; a name that may be one of the hub's is left to it.

    Raises:
        UserError: With what is wrong with the path.
    """
    path = Path(model)
    if path.is_file():
        raise UserError(f"encoder.model={model} is a file; give its folder: encoder.model={path.parent}")
    if path.is_dir():
        _require_config(path)
    elif looks_like_a_path(model):
        home = "; ~ is not replaced by your home folder here" if model.startswith("~") else ""
        raise UserError(f"encoder.model={model} does not exist{home}{encoders_beside(path)}")


def looks_like_a_path(model: str) -> bool:
    """Whether this can be no name of the hub, which is ``model`` or ``owner/model``.

    Example:
        >>> [looks_like_a_path(m) for m in ("google-bert/bert-base-uncased", "gpt2", "/models/mine", "runs/a/best")]
        [False, False, True, True]
    """
    return model.startswith(("/", ".", "~")) or model.endswith("/") or "\\" in model or model.count("/") > 1


def encoders_beside(path: Path) -> str:
    """The end of a sentence about a path: encoders' folders beside it, or the folder that is missing."""
    return instead_of(path, fits=lambda beside: (beside / "config.json").is_file())


def has_tokenizer_files(folder: Path) -> bool:
    """Whether any file of a tokenizer lies there."""
    return any(next(folder.glob(pattern), None) is not None for pattern in _TOKENIZER_FILES)


def _require_config(folder: Path) -> None:
    if (folder / "adapter_config.json").is_file():  # names another model, which transformers would load
        raise UserError(
            f"encoder.model={folder} holds an adapter (adapter_config.json); merge it with its model and save the "
            "whole elsewhere: model.merge_and_unload().save_pretrained(…)"
        )
    if (folder / "config.json").is_file():
        return
    inside = sorted(path.parent.name for path in folder.glob("*/config.json"))
    hint = f"; did you mean {folder / inside[-1]}?" if inside else ""
    raise UserError(f"encoder.model={folder} has no config.json, so it is no encoder's folder{hint}")


def folder_hashes(folder: Path, *, runs_code: bool = False) -> dict[str, str]:
    """The hash of every file that can change what an encoder gives, by its path in the folder.

    Args:
        folder: A folder in the hub's format.
        runs_code: Whether the folder's own code is run, which may read any file.
    """
    files = folder.rglob("*") if runs_code else folder.iterdir()
    names = {path.relative_to(folder).as_posix(): path for path in files if path.is_file()}
    return {name: file_hash(names[name]) for name in sorted(names) if runs_code or _counts(names[name])} | {
        name: file_hash(path) for name, path in chain(_shards(folder), _module_files(folder)) if name not in names
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


def is_inside(path: str) -> bool:
    """Whether the path of a module stays in its folder."""
    place = PurePosixPath(path)
    return not place.is_absolute() and ".." not in place.parts and not set(path) & set("\\:")


def _module_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files of a sentence-transformers folder's modules that lie in folders of their own."""
    try:
        places = {module["path"] for module in json.loads(read_plain(folder / MODULES))}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # none, or it is said when it is loaded
        return
    for place in sorted(place for place in places if isinstance(place, str) and place and is_inside(place)):
        for name in ("config.json", "model.safetensors"):
            if (folder / place / name).is_file():
                yield f"{place}/{name}", folder / place / name

"""Where an encoder is to be loaded from: a folder that is one, or a name for the hub."""

from __future__ import annotations

from pathlib import Path

from poolsweep.errors import UserError, nearest

_TOKENIZER_FILES = ("tokenizer.json", "vocab.*", "*.model", "*.spm", "*.tiktoken", "merges.txt", "bpe.codes")


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
        raise UserError(f"encoder.model={model} does not exist{home}{did_you_mean(path)}")


def looks_like_a_path(model: str) -> bool:
    """Whether this can be no name of the hub, which is ``model`` or ``owner/model``.

    Example:
        >>> [looks_like_a_path(m) for m in ("google-bert/bert-base-uncased", "gpt2", "/models/mine", "runs/a/best")]
        [False, False, True, True]
    """
    return model.startswith(("/", ".", "~")) or model.endswith("/") or "\\" in model or model.count("/") > 1


def did_you_mean(path: Path) -> str:
    """The end of a sentence: encoders' folders beside ``path`` whose names are near; empty if there are none."""
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent}"
    there = [p.name for p in path.parent.iterdir() if (p / "config.json").is_file()]
    hint = nearest(path.name, there)
    return f"; {hint}" if there else ""


def has_tokenizer_files(folder: Path) -> bool:
    """Whether any file of a tokenizer lies there."""
    return any(next(folder.glob(pattern), None) is not None for pattern in _TOKENIZER_FILES)


def _require_config(folder: Path) -> None:
    if (folder / "config.json").is_file():
        return
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"encoder.model={folder} holds an adapter without its model; merge them and save the whole: "
            "model.merge_and_unload().save_pretrained(…)"
        )
    inside = sorted(path.parent.name for path in folder.glob("*/config.json"))
    hint = f"; did you mean {folder / inside[-1]}?" if inside else ""
    raise UserError(f"encoder.model={folder} has no config.json, so it is no encoder's folder{hint}")

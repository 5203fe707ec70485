"""What makes two runs the same run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from poolsweep.config import Node, RunConfig
from poolsweep.config.probe import without_unused
from poolsweep.device import canonical_devices, canonical_precision
from poolsweep.encoder.folder import folder_hashes
from poolsweep.runs.record_fields import REPLICATES

# What cannot change the result. Everything else does, or might.
NO_PART = (
    "hydra", "study", "output_root", "logger", "display", "trusted",
    "retry", "on_failure", "run_timeout_minutes", "checkpoint", "features", "race", "optuna", "trial",
)  # fmt: skip
_EXCLUDED_PATHS = (
    ("data", "num_workers"), ("trainer", "log_every_n_steps"), ("trainer", "on_oom"),
    ("refit", "of"), ("refit", "setting"), ("refit", "runs"),
)  # fmt: skip
_COMPARED_BY_CONTENT = ("encoder.model", "encoder.name", "trainer.accelerator")
_NAMES_DATA = ("_target_", "name", "subset", "train", "validation", "test")
_SIZES = ("data.train_rows", "data.rows_per_label")  # runs of each size are compared among themselves
_NAMES_ENCODER = ("_target_", "name", "model", "revision")


_SPELLINGS: dict[str, Callable[[Any], Any]] = {
    "trainer.precision": canonical_precision, "trainer.devices": canonical_devices,
}  # fmt: skip


def run_id(config: RunConfig, *, data: Mapping[str, object]) -> str:
    """The identity of a run: a hash of all in its config that can change its result.

    Key order, the order of overrides, paths, loggers and the machine do not count; the content of data files does.

    Args:
        config: The run's; the type of the device that it is on counts.
        data: The node of the data, with what identifies their content in place of where they lie.
    """
    content = _without_excluded(config.content)
    content["trainer"] = _canonical_trainer(config, content["trainer"])
    content["data"] = {key: value for key, value in data.items() if key in {*content["data"], "_content"}}
    content["encoder"] = _folder_by_content(config.encoder)
    return _hash(content)[:12]


def _without_excluded(config: Node) -> dict[str, Any]:
    content = {key: value for key, value in without_unused(config).items() if key not in NO_PART}
    for group, key in _EXCLUDED_PATHS:
        if isinstance(content.get(group), Mapping):
            content[group] = {k: v for k, v in content[group].items() if k != key}
    return content


def _hash(content: Mapping[str, object]) -> str:
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical_trainer(config: RunConfig, trainer: Mapping[str, object]) -> dict[str, Any]:
    """Without what does not count, and what does in one spelling."""
    said = {"accelerator": config.accelerator, "precision": config.precision}
    return {**trainer, **said, "devices": canonical_devices(config.trainer.get("devices", 1))}


def _folder_by_content(encoder: Node) -> dict[str, Any]:
    """An encoder that is a folder counts by its content, not by where it lies."""
    folder = encoder_folder(encoder)
    if folder is None:
        return dict(encoder)
    return {**encoder, "model": _content_of(folder, encoder), "name": None}


def encoder_folder(encoder: Node) -> Path | None:
    """The folder that an encoder is loaded from; None if it is none."""
    folder = Path(str(encoder.get("model") or ""))
    return folder if encoder.get("model") and folder.is_dir() else None


def encoder_identity(encoder: Node) -> dict[str, Any]:
    """What tells an encoder of a record from others of its name.

    Args:
        encoder: Node that makes the encoder.
    Returns:
        ``encoder_id``, a hash of its folder's content, or of its name and revision on the hub; None where its name says
        all. ``encoder_place``, the path or the name it was read from.
    """
    model, revision, folder = encoder.get("model"), encoder.get("revision"), encoder_folder(encoder)
    if folder is not None:
        return {"encoder_id": _hash(_content_of(folder, encoder))[:12], "encoder_place": [str(folder.absolute())]}
    if model is None:
        return {"encoder_id": None, "encoder_place": []}
    place = model if revision is None else f"{model}@{revision}"
    return {"encoder_id": _hash({"model": model, "revision": revision})[:12], "encoder_place": [place]}


def _content_of(folder: Path, encoder: Node) -> dict[str, str]:
    return folder_hashes(folder, runs_code=encoder.get("trust_remote_code") is True)


def differing_keys(stored: Node, config: Node, *, found_by: Collection[str] = ()) -> list[str]:
    """Where the config in a run folder differs from one that has the same run id; only paths of files may.

    Args:
        stored: What ``config.yaml`` holds.
        config: What it would hold now.
        found_by: Keys of the data that only say where they lie.
    """
    if stored.plain() == config.plain():
        return []
    before, now = (dict(_leaves(without_unused(content))) for content in (stored, config))
    places = {f"data.{key}" for key in found_by}
    return sorted(key for key in (before.keys() | now.keys()) - places if before.get(key) != now.get(key))


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Dotted key → value of all that counts and is written in the config itself, not in a file that it names."""
    if path in NO_PART or path in _COMPARED_BY_CONTENT or tuple(path.split(".")) in _EXCLUDED_PATHS:
        return
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, _SPELLINGS[path](node) if path in _SPELLINGS else node


def setting_id(config: RunConfig) -> str:
    """A hash of what was swept beside data, encoder, pooling and seeds: runs of one setting differ in these alone.

    Which data set and which encoder do not count, since runs are compared within each; how they are used does. A refit
    has the setting that it fits.

    Args:
        config: A run's; the type of the device that it is on counts.
    """
    if config.refit is not None:
        return config.refit.setting
    used = _without_excluded(config.content)
    content = {key: value for key, value in used.items() if key != "pooling" and key not in REPLICATES}
    content["trainer"] = _canonical_trainer(config, used["trainer"])
    for group, named in (("data", _NAMES_DATA), ("encoder", _NAMES_ENCODER)):
        own = {key: value for key, value in used[group].items() if key not in named}
        content[group] = {key: value for key, value in own.items() if f"{group}.{key}" not in (*REPLICATES, *_SIZES)}
    return _hash(content)[:8]

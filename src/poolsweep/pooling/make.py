"""Poolings by name, without Hydra: for notebooks and for the catalogue."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from poolsweep.errors import UserError, nearest
from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.presets import load_preset, preset_names
from poolsweep.pooling.windowed import WindowedPooling
from poolsweep.process.user_imports import near_target

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def preset(name: str, encoder_config: PretrainedConfig) -> Pooling:
    """Make the pooling of a preset for an encoder.

    Args:
        name: Preset, as in ``poolsweep train pooling=NAME``.
        encoder_config: The encoder's ``config``, which says how many layers of which size it has.
    Raises:
        UserError: If there is no such preset.
        ValueError: If it does not go with an encoder of this size.
    Example:
        >>> from transformers import BertConfig
        >>> preset("last4_concat", BertConfig(num_hidden_layers=6, hidden_size=8, num_attention_heads=2)).output_size
        32
    """
    if name not in preset_names():
        raise UserError(f"there is no preset {name!r}; {nearest(name, preset_names())}")
    halves = load_preset(name)
    return make_pooling(halves, num_layers=encoder_config.num_hidden_layers, hidden_size=encoder_config.hidden_size)


def make_pooling(halves: Mapping[str, Mapping[str, Any]], *, num_layers: int, hidden_size: int) -> Pooling:
    """Make a pooling of the options of ``layers``, ``tokens`` and perhaps ``chunks``, each with its ``_target_``."""
    layers = make_layers(halves["layers"], num_layers=num_layers, hidden_size=hidden_size)
    tokens = make_tokens(halves["tokens"], input_size=layers.output_size)
    chunks = make_chunks(halves["chunks"], input_size=tokens.output_size) if "chunks" in halves else None
    return whole_pooling(layers, tokens, chunks)


def whole_pooling(layers: LayerMix, tokens: TokenPooling, chunks: ChunkPooling | None) -> Pooling:
    """The pooling of some halves; one that reads windows only where long texts are read so."""
    if chunks is None or not chunks.reads_windows:
        return Pooling(layers=layers, tokens=tokens)
    return WindowedPooling(layers=layers, tokens=tokens, chunks=chunks)


def make_chunks(half: Mapping[str, Any], *, input_size: int) -> ChunkPooling:
    """Make what reads long texts of its options and its ``_target_``."""
    return find_class(half["_target_"])(input_size=input_size, **_options(half))


def make_layers(half: Mapping[str, Any], *, num_layers: int, hidden_size: int) -> LayerMix:
    """Make a layer mix of its options and its ``_target_``."""
    return find_class(half["_target_"])(num_layers=num_layers, hidden_size=hidden_size, **_options(half))


def make_tokens(half: Mapping[str, Any], *, input_size: int) -> TokenPooling:
    """Make a token pooling of its options and its ``_target_``."""
    return find_class(half["_target_"])(input_size=input_size, **_options(half))


def find_class(target: str) -> type[Any]:
    """Import a class by its dotted name.

    Raises:
        UserError: If there is no such module or class, or it is no ``torch.nn.Module``.
    """
    module_name, _, class_name = target.rpartition(".")
    if not module_name:
        raise UserError(f"{target} names no class: give package.Class")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, ValueError) as error:
        hint = near_target(target)
        raise UserError(f"{target}: cannot import {module_name or target}: {error}{hint}") from error
    except AttributeError as error:
        raise UserError(f"{target}: {module_name} has no {class_name}{near_target(target)}") from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UserError(
            f"{target} is no class that derives from LayerMix, TokenPooling, ChunkPooling or torch.nn.Module"
        )
    return found


def _options(half: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in half.items() if key != "_target_"}

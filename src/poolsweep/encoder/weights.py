"""Loads a model whose every weight comes from its checkpoint, or says which do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING

from poolsweep.errors import UserError

# What programs put before the names of a model's weights: DDP, torch.compile, FSDP, Lightning and its strategies, PEFT,
# sentence-transformers, a LightningModule with an encoder in it.
_WRAPPERS = {
    "module", "_orig_mod", "_fsdp_wrapped_module", "_forward_module", "model", "base_model", "0", "auto_model",
    "encoder",
}  # fmt: skip
_SHOWN = 3


@dataclass(frozen=True)
class LoadedWeights:
    """A model with the weights of its checkpoint.

    Attributes:
        model: In eval mode; float32 unless another type was asked for.
        has_pooler: The checkpoint carried the pooler, if the model has one.
        prefix: What was taken off the names of all weights; empty = nothing.
    """

    model: PreTrainedModel
    has_pooler: bool
    prefix: str


def load_weights(source: str | Path, *, options: Mapping[str, Any], model_options: Mapping[str, Any]) -> LoadedWeights:
    """Load a model from a folder or the hub, from safetensors alone.

    Args:
        source: A folder, or a model's name.
        options: Options of transformers' ``from_pretrained``, for the config and the model.
        model_options: Options for the model alone.
    Raises:
        UserError: If its weights are not those of the model that its config describes.
    """
    config = AutoConfig.from_pretrained(source, **options)
    lacking = [
        name for name in ("hidden_size", "num_hidden_layers") if not isinstance(getattr(config, name, None), int)
    ]
    if lacking:
        raise UserError(
            f"{source} ({config.model_type}) is no text encoder: its config has no {lacking[0]}; of a model that reads "
            "more than text, save the part that reads text"
        )
    kind = kind_of(config, trusted=bool(options.get("trust_remote_code")))
    given = {**options, "dtype": torch.float32, **model_options, "use_safetensors": True, "output_loading_info": True}
    given |= {"ignore_mismatched_sizes": True}  # they are refused below, by name
    model, info = kind.from_pretrained(source, config=config, **given)
    prefix = ""
    if _without_pooler(info["missing_keys"]):
        prefix = _wrapper_of(_without_pooler(info["missing_keys"]), info["unexpected_keys"], model=model)
        if prefix:
            renamed = {f"^{prefix}".replace(".", r"\."): ""}
            model, info = kind.from_pretrained(source, config=config, key_mapping=renamed, **given)
    if getattr(model, "_hf_peft_config_loaded", False):
        raise UserError(f"{source} holds an adapter of another model; merge them: model.merge_and_unload()")
    problem = _problem(info, model)
    if problem is not None:
        raise UserError(f"{source}: the weights are not those of the model that config.json describes: {problem}")
    return LoadedWeights(model, not any(key.startswith("pooler.") for key in info["missing_keys"]), prefix)


def broken_file(folder: Path) -> str | None:
    """Which weights file of a folder is not whole, in a sentence; None if all are."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            return f"{path} is not whole: {str(error).splitlines()[0]}"
    return None


def kind_of(config: PreTrainedConfig, *, trusted: bool = False) -> Any:  # noqa: ANN401
    """The class that loads the encoder alone, of models that have a decoder too.

    Args:
        config: The model's.
        trusted: Whether a class may come from the model's own repository.
    """
    if trusted and "AutoModel" in (getattr(config, "auto_map", None) or {}):
        return AutoModel
    encoder = MODEL_FOR_TEXT_ENCODING_MAPPING.get(type(config), None)
    name = getattr(encoder, "__name__", "")
    return AutoModelForTextEncoding if name.endswith("EncoderModel") else AutoModel


def _without_pooler(names: Collection[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("pooler."))


def _wrapper_of(missing: Sequence[str], unexpected: Collection[str], *, model: PreTrainedModel) -> str:
    """The prefix of known wrappers under which all missing weights are found; empty if there is none, or several."""
    known = _WRAPPERS | {model.base_model_prefix}
    ends = f".{missing[0]}"
    found = {name[: -len(missing[0])] for name in unexpected if name.endswith(ends)}
    fitting = [
        prefix
        for prefix in found
        if set(prefix[:-1].split(".")) <= known and all(f"{prefix}{name}" in unexpected for name in missing)
    ]
    return fitting[0] if len(fitting) == 1 else ""


def _problem(info: Mapping[str, Any], model: PreTrainedModel) -> str | None:
    """What is missing, of another shape, or left over; a pooler may be missing, and heads be left over."""
    missing, surplus = _without_pooler(info["missing_keys"]), _surplus(info["unexpected_keys"], model)
    if missing:
        total = len(_without_pooler(model.state_dict()))
        others = f"; the checkpoint has {_named(info['unexpected_keys'])}" if info["unexpected_keys"] else ""
        return f"{total - len(missing)} of {total} were found; missing are {_named(missing)}{others}"
    if info["mismatched_keys"]:
        name, stored, wanted = sorted(info["mismatched_keys"])[0]
        count = len(info["mismatched_keys"])
        return f"{count} have another shape, such as {name} with {tuple(stored)} instead of {tuple(wanted)}"
    if surplus:
        return f"{len(surplus)} have no place in it: {_named(surplus)}"
    return None


def _surplus(unexpected: Collection[str], model: PreTrainedModel) -> list[str]:
    """Left over weights that lie in one of the model's own parts: of a layer that its config does not count, say.

    Not buffers of older versions, which stand beside weights that were found.
    """
    parts, modules = (
        {name for name, _ in model.named_children()} - {"pooler"},
        {name for name, _ in model.named_modules()},
    )
    found = []
    for full in sorted(unexpected):
        name = full.removeprefix(f"{model.base_model_prefix}.")
        parent, _, leaf = name.rpartition(".")
        if name.split(".", 1)[0] in parts and (leaf in {"weight", "bias"} or parent not in modules):
            found.append(name)
    return found


def _named(names: Collection[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")

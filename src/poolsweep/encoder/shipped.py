"""What a folder of sentence-transformers has beside its encoder: pooling, layers behind it, length and prompts.

The files are read as they are, JSON and safetensors: the library itself is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError
from safetensors.torch import load
from tokenizers.normalizers import Lowercase, Sequence
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from transformers.utils import cached_file

from poolsweep.encoder.folder import MODULES, is_inside
from poolsweep.errors import UserError
from poolsweep.files.writing import read_plain
from poolsweep.pooling.tokens.own import ACTIVATIONS, Mode

_ALWAYS_THERE = ("query", "document")  # prompts that the library has of itself, empty unless a folder says them
_SHORTEST = 3  # tokens: one between two special ones
_LARGEST = 2**32  # bytes of a Dense layer's weights
_LENGTHS = (
    "sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
    "sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)  # fmt: skip
_OLD_MODES = {  # keys of configs of versions before 6, in the order in which several are concatenated
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_LAST_STATES = "last_hidden_state"  # what the encoder gives to the pooling

Find = Callable[[str], Path | None]


class _NotReadError(Exception):
    """Why the modules of a folder cannot be made here."""


@dataclass(frozen=True)
class Shipped:
    """What lies beside an encoder.

    Attributes:
        max_length: Length in tokens that its authors cut texts to; None = they say none.
        lower_case: Whether texts are brought to lower case first.
        prompts: Name → what is put before a text.
        default_prompt: Name of the prompt that is used where none is asked for.
        pool_prefix: Whether a prompt's tokens are pooled.
        modes: Modes of the pooling, as ``Own`` takes them.
        after: What follows the pooling, as ``Own`` takes it.
        weights: Weights of what follows, by their names in ``Own``.
        problem: What keeps the pooling from being made here; None = nothing.
    """

    max_length: int | None = None
    lower_case: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    pool_prefix: bool = True
    modes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    problem: str | None = None


def read_shipped(source: str | Path, *, revision: str | None = None) -> Shipped | None:
    """Read what a folder of sentence-transformers, or a model of the hub, has beside its encoder.

    Args:
        source: A folder, or a model's name.
        revision: Branch, tag or commit on the hub.
    Returns:
        None if it has no modules.json.
    Raises:
        UserError: If a file of it is not what it should be.
    """
    find = _finder(source, revision)
    modules = _read_json(find, MODULES, list)
    if modules is None:
        return None
    told = _read_json(find, "config_sentence_transformers.json", dict) or {}
    reads = next((found for name in _LENGTHS if (found := _read_json(find, name, dict))), {})
    length, prompts, default = reads.get("max_seq_length"), told.get("prompts") or {}, told.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise UserError(f"{source}: prompts in config_sentence_transformers.json must be texts by name")
    if default is not None and default not in [*prompts, *_ALWAYS_THERE]:
        raise UserError(f"{source}: default_prompt_name {default!r} in config_sentence_transformers.json is no prompt")
    try:
        problem, chain = None, _chain(find, modules, reads)
    except _NotReadError as error:
        problem, chain = str(error), {}
    return Shipped(
        max_length=length if type(length) is int and length >= _SHORTEST else None,
        lower_case=reads.get("do_lower_case") is True,
        prompts={str(name): text or "" for name, text in prompts.items()},
        default_prompt=default,
        problem=problem,
        **chain,
    )


def read_in_lower_case(tokenizer: PreTrainedTokenizerBase) -> None:
    """Make a tokenizer bring texts to lower case first, as ``do_lower_case`` asks.

    Args:
        tokenizer: Changed, if it has a Rust backend that does not do so yet.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or "Lowercase" in str(backend.normalizer) or "lowercase=True" in str(backend.normalizer):
        return
    parts = [Lowercase()] if backend.normalizer is None else [Lowercase(), backend.normalizer]
    backend.normalizer = Sequence(parts)


def _finder(source: str | Path, revision: str | None) -> Find:
    folder = Path(source)
    if folder.is_dir():
        return lambda name: folder / name if (folder / name).is_file() else None

    def find(name: str) -> Path | None:
        quiet = {
            f"_raise_exceptions_for_{what}": False for what in ("gated_repo", "missing_entries", "connection_errors")
        }
        found = cached_file(str(source), name, revision=revision, **quiet)
        return None if found is None else Path(found)

    return find


def _read_json(find: Find, name: str, kind: type) -> Any:  # noqa: ANN401
    """The content of a JSON file; None if there is none."""
    path = find(name)
    if path is None:
        return None
    try:
        found = json.loads(read_plain(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(found, kind):
        raise UserError(f"{path} must hold a {'list' if kind is list else 'mapping'}")
    return found


def _chain(find: Find, modules: list[Any], reads: Mapping[str, Any]) -> dict[str, Any]:
    """Modes, what follows, its weights, and whether prompts are pooled."""
    kinds = [_kind_of(module) for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or set(kinds[2:]) - {"Dense", "Normalize"}:
        raise _NotReadError(f"its modules are {', '.join(kinds)}; Transformer, Pooling, Dense and Normalize are read")
    if modules[0]["path"]:
        raise _NotReadError(f"its encoder lies in a folder of its own, {modules[0]['path']}")
    given = reads.get("modality_config") or {"text": {"method_output_name": _LAST_STATES}}
    states = given["text"].get("method_output_name") if _is_nested(given) else given
    if states != _LAST_STATES:
        raise _NotReadError(f"its pooling reads {states} of the encoder")
    pooling = _config_of(find, modules[1])
    modes = _modes_of(pooling)
    after: list[str] = []
    weights: dict[str, Tensor] = {}
    for place, (kind, module) in enumerate(zip(kinds[2:], modules[2:], strict=True)):
        config = _config_of(find, module)
        if config.get("module_input_name", "sentence_embedding") != "sentence_embedding":
            raise _NotReadError(f"its {kind} reads {config['module_input_name']}")
        if kind == "Normalize":
            after.append(kind)
            continue
        state = _weights_of(find, module)
        after.append(_dense_text(config, state))
        weights |= {f"parts.{place}.{name}": tensor.float() for name, tensor in state.items()}
    pools_prefix = pooling.get("include_prompt") is not False
    return {"modes": modes, "after": tuple(after), "weights": weights, "pool_prefix": pools_prefix}


def _kind_of(module: Any) -> str:  # noqa: ANN401
    """The name of a module's class, if it is sentence-transformers' own."""
    kind = module.get("type") if isinstance(module, dict) else None
    if not isinstance(kind, str) or not isinstance(module.get("path"), str) or not is_inside(module["path"]):
        raise _NotReadError(f"{MODULES} is no list of modules with a type, and a path in the folder")
    if not kind.startswith("sentence_transformers."):
        raise _NotReadError(f"its module {kind} is code of its own")
    return kind.rpartition(".")[2]


def _is_nested(given: Any) -> bool:  # noqa: ANN401
    return isinstance(given, dict) and isinstance(given.get("text"), dict)


def _config_of(find: Find, module: Mapping[str, Any]) -> dict[str, Any]:
    return _read_json(find, f"{module['path']}/config.json", dict) or {}


def _modes_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    given = config.get("pooling_mode")
    if given is None:
        given = [mode for key, mode in _OLD_MODES.items() if config.get(key) is True] or ["mean"]
    modes = [given] if isinstance(given, str) else given
    if not isinstance(modes, list) or not modes or not set(map(str, modes)) <= set(get_args(Mode)):
        raise _NotReadError(f"its pooling_mode is {given!r}; {', '.join(get_args(Mode))} are known")
    return tuple(modes)


def _weights_of(find: Find, module: Mapping[str, Any]) -> dict[str, Tensor]:
    path = find(f"{module['path']}/model.safetensors")
    if path is None:
        pickled = find(f"{module['path']}/pytorch_model.bin")
        why = "only a pickle, which may run code; save it again with safetensors" if pickled else "none"
        raise _NotReadError(f"of the weights of its module {module['path']} there is {why}")
    try:
        return load(read_plain(path, at_most=_LARGEST))
    except (OSError, SafetensorError, ValueError) as error:
        raise _NotReadError(f"{path} is not whole: {str(error).splitlines()[0]}") from error


def _dense_text(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> str:
    """A Dense layer as ``Own`` takes it; its sizes are those of its weights."""
    activation = config.get("activation_function", "torch.nn.modules.activation.Tanh")
    name = str(activation).rpartition(".")[2]
    if not str(activation).startswith("torch.nn.") or name not in ACTIVATIONS:
        raise _NotReadError(
            f"its Dense has the activation {activation}; of torch.nn {', '.join(ACTIVATIONS)} are known"
        )
    weight = state.get("linear.weight")
    if weight is None or weight.ndim != 2 or state.keys() - {"linear.weight", "linear.bias", "residual.weight"}:
        raise _NotReadError(f"its Dense has the weights {', '.join(sorted(state)) or 'of nothing'}")
    flags = [] if "linear.bias" in state else ["no_bias"]
    flags += ["residual"] if config.get("use_residual") is True else []
    return " ".join(["Dense", str(weight.shape[0]), name, *flags])

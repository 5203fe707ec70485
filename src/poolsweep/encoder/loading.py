"""Loads an encoder and its tokenizer, quietly, from safetensors alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Unpack

import transformers
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from poolsweep.encoder.encoder import Encoder
from poolsweep.encoder.folder import encoders_beside, has_tokenizer_files
from poolsweep.encoder.options import RunOptions
from poolsweep.encoder.precision import Quantized, WeightsDtype, weights_options
from poolsweep.encoder.promises import Promises, promises_of
from poolsweep.encoder.prompts import Prefix, prefix_of
from poolsweep.encoder.shipped import Shipped, read_in_lower_case, read_shipped
from poolsweep.encoder.weights import broken_file, load_weights
from poolsweep.errors import UserError, nearest

_FEWEST_WORDS = 2  # that a vocabulary has beside its special tokens; made of nothing, some have one
_ENDLESS = 2**24  # tokens; a tokenizer that has no limit of its own says a number far above
_LONGEST = 300  # characters of another library's message


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder with the tokenizer it was trained with.

    Attributes:
        encoder: In eval mode.
        tokenizer: The encoder's own tokenizer.
        notes: Sentences about the loading that a user would want to know.
        prefix: What is put before every text.
        shipped: What its folder has beside it, if that is one of sentence-transformers.
    """

    encoder: Encoder
    tokenizer: PreTrainedTokenizerBase
    notes: tuple[str, ...] = ()
    prefix: Prefix = field(default_factory=Prefix)
    shipped: Shipped | None = None

    @property
    def shipped_length(self) -> int | None:
        """The length in tokens that its authors cut texts to; None where its folder says none."""
        if self.shipped is None:
            return None
        told, limit = self.shipped.max_length or self.tokenizer.model_max_length, self.encoder.max_length
        return None if limit is None and told > _ENDLESS else min(told, limit or told)

    @cached_property
    def promises(self) -> Promises:
        """What poolings may rely on."""
        return promises_of(
            self.encoder, pad_token_id=self.pad_token_id, special_ids=tuple(self.tokenizer.all_special_ids)
        )

    @cached_property
    def cls_place(self) -> Literal["first", "last"] | None:
        """Where the tokenizer puts [CLS]: before a text (BERT) or behind it (XLNet); None if it has none."""
        ids, cls = self.tokenizer("a b")["input_ids"], self.tokenizer.cls_token_id
        if cls is None or cls not in (ids[0], ids[-1]):
            return None
        return "first" if ids[0] == cls else "last"

    @property
    def cls_sees_text(self) -> bool:
        """Whether the state that stands for a text depends on it: of [CLS], or of the first token where none is."""
        return self.promises.last_sees_text if self.cls_place == "last" else self.promises.first_sees_text

    @property
    def pad_token_id(self) -> int:
        """What padding is filled with; 0 for a tokenizer that has no padding token, since the mask hides it."""
        found = self.tokenizer.pad_token_id
        return found if isinstance(found, int) else 0


def load_pretrained(
    source: str | Path,
    *,
    name: str,
    revision: str | None = None,
    trust_remote_code: bool = False,
    attention: str | None = None,
    prefix: str | None = None,
    prefix_pair: str | None = None,
    prompt: str | None = None,
    pool_prefix: bool | None = None,
    dtype: WeightsDtype = "float32",
    quantize: Quantized | None = None,
    **options: Unpack[RunOptions],
) -> LoadedEncoder:
    """Load an encoder with ``AutoModel`` from a folder or the hub.

    Args:
        source: A folder, or a model's name on the Hugging Face hub.
        name: Name in leaderboards.
        revision: Branch, tag or commit on the hub.
        trust_remote_code: Whether model code that the repository carries is run.
        attention: transformers' attention implementation (sdpa, eager, flash_attention_2); None = its choice.
        prefix: What is put before every text; None = the folder's default prompt.
        prefix_pair: What is put before the second of two texts that are inputs of their own; None = ``prefix``.
        prompt: Name of a prompt of the folder, in place of ``prefix``.
        pool_prefix: Whether the tokens of a prefix are pooled; None = as the folder says, else they are.
        dtype: Type that the weights are held in: float32, bfloat16, float16, or auto = the checkpoint's.
        quantize: Bits that bitsandbytes holds the linear layers' weights in (4bit, 8bit), on a GPU; None = ``dtype``.
        options: How it is run.
    Raises:
        UserError: If there is no such model, it cannot be reached, or it cannot be quantised here.
    """
    quiet_transformers()
    require_attention(attention, trust_remote_code=trust_remote_code)
    place = {"revision": revision, "trust_remote_code": trust_remote_code}
    model_options = weights_options(dtype, quantize)
    model_options |= {} if attention is None else {"attn_implementation": attention}
    try:
        loaded = load_weights(source, options=place, model_options=model_options)
    except UserError:
        raise
    except Exception as error:  # a folder may hold anything, and its own code may raise anything
        raise UserError(_why_not(source, error)) from error
    model = loaded.model
    if all(hasattr(model, part) for part in ("encoder", "decoder")):  # also where a config says nothing of it
        raise UserError(
            f"{source} ({model.config.model_type}) is an encoder with a decoder behind it, and only of T5 and its kin "
            "the half that encodes is read; give one of them, an encoder (BERT), or a decoder alone (Llama)"
        )
    tokenizer = load_tokenizer(source, model=model, options=place)
    shipped = read_shipped(source, revision=revision)
    if shipped is not None and shipped.lower_case:
        read_in_lower_case(tokenizer)
    found = prefix_of(
        shipped, encoder=name, prefix=prefix, prefix_pair=prefix_pair, prompt=prompt, pool_prefix=pool_prefix
    )
    encoder = Encoder(model, name=name, pooler_is_fresh=not loaded.has_pooler, **options)
    taken_off = f"{name}: {loaded.prefix} was taken off the names of its weights" if loaded.prefix else None
    return LoadedEncoder(encoder, tokenizer, () if taken_off is None else (taken_off,), found, shipped)


def load_tokenizer(
    source: str | Path, *, model: PreTrainedModel, options: Mapping[str, Any]
) -> PreTrainedTokenizerBase:
    """Load the tokenizer that belongs to a model.

    Args:
        source: A folder, or a model's name.
        model: A model, which must have an embedding for every token.
        options: Options of transformers' ``from_pretrained``.
    Raises:
        UserError: If there is none, or it belongs to another model.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        vocabulary = tokenizer.get_vocab()
    except Exception as error:
        if Path(source).is_dir() and not has_tokenizer_files(Path(source)):
            raise UserError(_no_tokenizer(source)) from error
        raise UserError(f"the tokenizer of {source} cannot be loaded: {_in_one_line(error)}") from error
    if len(vocabulary.keys() - set(tokenizer.all_special_tokens)) < _FEWEST_WORDS:
        raise UserError(_no_tokenizer(source))
    most = max(vocabulary.values()) + 1
    try:
        rows = getattr(model.get_input_embeddings(), "num_embeddings", most)
    except NotImplementedError:  # characters are hashed
        rows = most
    if most > rows:
        raise UserError(
            f"the tokenizer of {source} has {most} tokens, and the model {rows} embeddings; give it the tokenizer that "
            "it was trained with, or more embeddings: model.resize_token_embeddings(len(tokenizer))"
        )
    return tokenizer


def _no_tokenizer(source: str | Path) -> str:
    return (
        f"{source} has no tokenizer (tokenizer.json, vocab.txt, …); save it beside the weights: "
        "tokenizer.save_pretrained(…)"
    )


def quiet_transformers() -> None:
    """Silence loading bars and reports that a user can do nothing about; errors still come through."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def require_attention(attention: str | None, *, trust_remote_code: bool = False) -> None:
    """Refuse an attention implementation that transformers does not know.

    Args:
        attention: Name of the implementation, or where on the hub its code is; None = transformers' choice.
        trust_remote_code: Whether code from the hub may run.
    Raises:
        UserError: If there is none of that name, or it is code that may not run.
    """
    if attention is None or ("/" in attention and trust_remote_code):
        return
    if "/" in attention:
        raise UserError(
            f"encoder.attention={attention} is code from the hub; encoder.trust_remote_code=true allows it to run"
        )
    known = ["eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()]
    if attention not in known:
        told = [name for name in known if "|" not in name and not name.startswith("poolsweep")]
        raise UserError(f"encoder.attention={attention} is none of transformers'; {nearest(attention, told)}")


def _why_not(source: str | Path, error: Exception) -> str:
    path = Path(source)
    if path.is_dir():
        pickled = next(path.glob("*.bin"), None)
        if pickled is not None and not next(path.glob("*.safetensors*"), None):
            return f"{path} has weights in {pickled.name} alone, which may run code; save them with save_pretrained"
        return broken_file(path) or f"encoder: cannot load {source}: {_in_one_line(error)}"
    if isinstance(error, SafetensorError):
        return f"encoder.model={source}: the weights in the local cache are not whole ({error}); remove them there"
    offline = os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}
    reached = "couldn't connect" not in str(error).lower() and "connection" not in str(error).lower()
    if offline or not reached:
        why = "HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
        return (
            f"encoder.model={source} is no folder here{encoders_beside(path)}, it is not in the local cache, and {why}"
            "; use encoder=minilm, or go online once"
        )
    return f"encoder.model={source} cannot be loaded: {_in_one_line(error)}"


def _in_one_line(error: Exception) -> str:
    kind = "" if isinstance(error, OSError | ValueError | ImportError | RuntimeError) else f"{type(error).__name__}: "
    text = " ".join(str(error).split())
    return f"{kind}{text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"

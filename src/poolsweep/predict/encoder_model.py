"""An encoder and a pooling as a model of vectors, without any training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import yaml

from poolsweep.conf_dir import conf_dir
from poolsweep.config import Node
from poolsweep.data.text_reader import reader
from poolsweep.encoder import LoadedEncoder
from poolsweep.encoder.options import PromptOptions
from poolsweep.errors import UserError, did_you_mean, nearest
from poolsweep.pooling import Pooling
from poolsweep.pooling.presets import load_preset, preset_names
from poolsweep.predict.engine import Engine, Place, Vectors
from poolsweep.predict.identity import identity_of
from poolsweep.predict.model import Output, Reads, VectorModel
from poolsweep.training.encoder import load_encoder
from poolsweep.training.pooling import build_pooling
from poolsweep.training.reading import reading_of

_ANY = "hub"  # the option of encoders that are named by their folder or their name on the hub


class EncoderModel(VectorModel):
    """An encoder and a pooling that has nothing to learn.

    Args:
        loaded: Encoder and tokenizer.
        pooling: Fits the encoder.
        name: What they are, for messages.
        reads: What they read.
        place: Device and precision.
    """

    def __init__(self, loaded: LoadedEncoder, pooling: Pooling, *, name: str, reads: Reads, place: Place) -> None:
        self.name, self.reads, self._pooling = name, reads, pooling.eval()
        if pooling.tokens.reads_first_token:
            loaded.encoder.keep_first_tokens()
        self.engine = Engine(loaded, reading_of(reads.max_length, loaded, pooling), place)

    @property
    def identity(self) -> str:
        """A hash of the encoder, the pooling's name and the place."""
        return identity_of(self.engine, self._pooling, self.name)

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Pooled vectors."""
        self.reads.check(texts, pairs)
        [values], truncated = self.engine.run(texts, pairs, [Vectors(self._pooling, "vectors")])
        return Output(values, truncated)


def load_untrained(
    encoder: str,
    pooling: str,
    *,
    text_pair: str | None = None,
    max_length: int | None = None,
    device: str = "auto",
    precision: str = "32",
    trust_remote_code: bool = False,
    **prompts: Unpack[PromptOptions],
) -> EncoderModel:
    """Load an encoder and make a pooling for it.

    Args:
        encoder: An option of ``encoder=``, a folder, or a model's name on the hub.
        pooling: A preset without parameters.
        text_pair: Column with the second text, if pairs are encoded.
        max_length: In tokens; None = as a sentence-transformers folder says, else as the encoder allows.
        device: Device, as ``load_model`` takes it.
        precision: Precision, as ``load_model`` takes it.
        trust_remote_code: Run the model code that the encoder carries.
        prompts: What is put before every text.
    Raises:
        UserError: If one is not there, they do not go together, or the pooling would have to be trained first.
    """
    place = Place.of(device, precision)
    if pooling not in preset_names():
        raise UserError(f"there is no pooling {pooling!r}; {nearest(pooling, preset_names())}")
    node = Node(load_preset(pooling))
    options = _options(encoder) | {"frozen": True} | prompts
    if trust_remote_code and "trust_remote_code" in options:
        options["trust_remote_code"] = True
    try:
        loaded = load_encoder(Node(options), tokens=Node(node["tokens"]), init_seed=0)
    except UserError as error:
        named = _named_encoders()
        if encoder in named or "/" in encoder or Path(encoder).exists():
            raise
        raise UserError(f"{error}{did_you_mean(encoder, named)}") from error
    made = build_pooling(node, loaded)
    if any(True for _ in made.parameters()):
        raise UserError(f"--pooling {pooling} has weights to learn: train it first, and encode with the run")
    if loaded.encoder.pooler_is_fresh and "pooler_output" in made.context_needed:
        raise UserError(f"--pooling {pooling} reads a pooler, and {encoder} carries no weights of one")
    limit = loaded.encoder.max_length
    if limit is not None and (max_length or 0) > limit:
        raise UserError(f"--max-length must be at most the encoder's {limit} tokens, got {max_length}")
    reading = reading_of(max_length or loaded.shipped_length, loaded, made)
    reader(loaded.tokenizer, reading, pair=text_pair is not None)  # prefix or template may leave no room for a text
    reads = Reads(text_pair=text_pair, max_length=reading.max_length)
    return EncoderModel(loaded, made, name=f"{encoder}:{pooling}", reads=reads, place=place)


def _options(encoder: str) -> dict[str, Any]:
    """The keys of an encoder's option, as a run's config has them."""
    return _read(encoder) if encoder in _named_encoders() else _read(_ANY) | {"model": encoder}


def _named_encoders() -> set[str]:
    return {path.stem for path in (conf_dir() / "encoder").glob("[!_]*.yaml")} - {_ANY}


def _read(option: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    own = yaml.safe_load((conf_dir() / "encoder" / f"{option}.yaml").read_text(encoding="utf-8"))
    for base in own.pop("defaults", []):
        (inner, chosen), *_ = base.items() if isinstance(base, dict) else [("", base)]
        found |= _read(f"{inner}/{chosen}") if inner else {} if chosen == "_self_" else _read(chosen)
    return found | own

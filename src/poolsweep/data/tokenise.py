"""Texts to token ids, once: cached on disk by content, memory-mapped afterwards."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import datasets
import numpy as np
import xxhash
from datasets import Dataset, Features, Sequence, Value
from transformers import PreTrainedTokenizerBase

from poolsweep.data.cache import cache_dir
from poolsweep.data.splits import Split
from poolsweep.data.template import Templated

_PARALLEL_FROM = 50_000  # rows; below, starting processes costs more than it saves
_VERSION = 2  # of the cached columns


@dataclass(frozen=True)
class TokenisedSplit:
    """A split with its token ids.

    Attributes:
        split: What was tokenised.
        rows: Columns ``input_ids`` and, where the tokenizer has them, ``token_type_ids``; memory-mapped.
        truncated_share: Share of the texts that were cut to ``max_length``, 0 to 1.
    """

    split: Split
    rows: Dataset
    truncated_share: float


_known_hashes: WeakKeyDictionary[PreTrainedTokenizerBase, str] = WeakKeyDictionary()


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """A fingerprint of all that a tokenizer does to a text, but for the cutting and padding of its last call."""
    if tokenizer not in _known_hashes:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        known = sorted(tokenizer.get_vocab().items()) if backend is None else json.loads(backend.to_str())
        if isinstance(known, dict):  # a call leaves its max_length behind in these
            known |= {"truncation": None, "padding": None}
        text = f"{type(tokenizer).__name__}\n{json.dumps(known)}"
        _known_hashes[tokenizer] = xxhash.xxh3_128_hexdigest(text.encode())
    return _known_hashes[tokenizer]


def tokenise(
    split: Split, *, tokenizer: PreTrainedTokenizerBase, max_length: int, template: str | None = None
) -> TokenisedSplit:
    """Tokenise a split, or read it from the cache.

    Args:
        split: Texts, single or in pairs.
        tokenizer: The encoder's own.
        max_length: Longest input in tokens, special tokens included; longer texts are cut.
        template: Put each text in place of its ``{text}``; its ``[MASK]`` stands for the tokenizer's mask token. A text
            that does not fit is cut, never the template.
    """
    key = f"{_VERSION} {tokenizer_hash(tokenizer)} {max_length} {template} {split.content_hash}"
    fingerprint = xxhash.xxh3_128_hexdigest(key.encode())
    folder = cache_dir() / "tokenised"
    folder.mkdir(parents=True, exist_ok=True)
    typed = "token_type_ids" in tokenizer.model_input_names
    columns = {"input_ids": Sequence(Value("int32")), "truncated": Value("bool")}
    if typed:
        columns["token_type_ids"] = Sequence(Value("int8"))
    datasets.disable_progress_bars()
    rows = split.rows.map(
        _Encode(tokenizer, max_length=max_length, typed=typed, pair=split.is_pair)
        if template is None
        else Templated(tokenizer, template=template, max_length=max_length, typed=typed),
        batched=True,
        num_proc=(os.cpu_count() or 1) if len(split) >= _PARALLEL_FROM else None,
        remove_columns=split.rows.column_names,
        features=Features(columns),
        cache_file_name=str(folder / f"{fingerprint}.arrow"),
        new_fingerprint=fingerprint,
    )
    truncated = rows.with_format("numpy")["truncated"][:]
    return TokenisedSplit(split, rows.remove_columns("truncated"), float(np.mean(truncated)) if len(rows) else 0.0)


class _Encode:
    """Tokenises a batch of rows; a class, so that worker processes can receive it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, max_length: int, typed: bool, pair: bool) -> None:
        self.tokenizer, self.max_length, self.typed, self.pair = tokenizer, max_length, typed, pair

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        encoded = self.tokenizer(
            batch["text"],
            batch["text_pair"] if self.pair else None,
            truncation=True,
            max_length=self.max_length,
            return_attention_mask=False,
            return_token_type_ids=self.typed,
        )
        result = dict(encoded)
        if encoded.encodings is not None:
            result["truncated"] = [bool(one.overflowing) for one in encoded.encodings]
        else:  # a tokenizer without a Rust backend does not say what it cut
            result["truncated"] = [len(ids) >= self.max_length for ids in encoded["input_ids"]]
        return result

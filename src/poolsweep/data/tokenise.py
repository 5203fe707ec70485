"""Texts to token ids, once: cached on disk by content, memory-mapped afterwards.

Of the processes that ask for the same texts at the same time, those of a run or jobs of a sweep, one does the work and
the others wait for it; should it be killed, the next of them does.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import datasets
import numpy as np
import pyarrow as pa
import xxhash
from datasets import Dataset, Features, Sequence, Value
from filelock import FileLock, Timeout
from transformers import PreTrainedTokenizerBase

from poolsweep.data.cache import cache_dir
from poolsweep.data.special import Special
from poolsweep.data.splits import Split
from poolsweep.data.template import Templated
from poolsweep.files.hashing import file_hash
from poolsweep.process.cpu_affinity import usable_cores

_PARALLEL_FROM = 50_000  # rows; below, starting processes costs more than it saves
_ROWS_AT_ONCE = 8192
_VERSION = 5  # of the cached files
_ARRAYS = ("ids", "types", "special", "starts", "truncated")
_log = logging.getLogger("poolsweep")


@dataclass(frozen=True)
class TokenisedSplit:
    """A split with its token ids.

    Attributes:
        split: What was tokenised.
        ids: (ΣT,) int32, the token ids of all texts end to end; memory-mapped.
        types: (ΣT,) int8 segment ids, where the tokenizer has them, else None; memory-mapped.
        special: (ΣT,) bool, True at tokens that the tokenizer added to the text; memory-mapped.
        starts: (N + 1,) int64; text i is at ``starts[i]`` to ``starts[i + 1]``; memory-mapped.
        truncated_share: Share of the texts that were cut to ``max_length``, 0 to 1.
        truncated: (N,) bool, whether each text was cut; memory-mapped.
        digest: A hash of all of these.
    """

    split: Split
    ids: np.ndarray
    types: np.ndarray | None
    special: np.ndarray
    starts: np.ndarray
    truncated_share: float
    truncated: np.ndarray
    digest: str

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text; (N,) int64."""
        return np.diff(self.starts)


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
    folder = cache_dir() / "tokenised" / xxhash.xxh3_128_hexdigest(key.encode())
    lock = folder.with_name(f".{folder.name}.lock")
    found = _read(split, folder)
    if found is not None:
        if _left_over(folder):
            with suppress(Timeout), FileLock(lock, timeout=0):
                _remove(_left_over(folder))
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        found = _read(split, folder)  # another process may have made it meanwhile
        if found is None:
            _make(split, folder, tokenizer, max_length=max_length, template=template)
            found = _read(split, folder)
    assert found is not None, "tokenised a moment ago"
    return found


def _left_over(folder: Path) -> list[Path]:
    """What processes that were killed left beside a folder of the cache."""
    return list(folder.parent.glob(f"{_making(folder)}*"))


def _making(folder: Path) -> str:
    return f".making-{folder.name}-"


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _make(
    split: Split, folder: Path, tokenizer: PreTrainedTokenizerBase, *, max_length: int, template: str | None
) -> None:
    """Tokenise into a folder that appears whole; only the process that holds its lock may."""
    if folder.exists():
        _log.warning("tokenised texts are damaged, and made again: %s", folder)
    _remove(_left_over(folder))
    with tempfile.TemporaryDirectory(prefix=_making(folder), dir=folder.parent) as temporary:
        rows = _map(split, tokenizer, max_length=max_length, template=template, cache_file=Path(temporary) / "a.arrow")
        whole = Path(temporary) / "whole"
        whole.mkdir()
        _flatten(rows, whole)
        del rows
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)


def _read(split: Split, folder: Path) -> TokenisedSplit | None:
    """What the cache holds, unless it is missing or not what was written."""
    try:
        hashes = json.loads((folder / "about.json").read_text())
        if any(file_hash(folder / name) != known for name, known in hashes.items()):
            return None
        found = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS if f"{name}.npy" in hashes}
        share = float(found["truncated"].mean()) if len(found["truncated"]) else 0.0
        digest = xxhash.xxh3_128_hexdigest(json.dumps(hashes, sort_keys=True).encode())
        return TokenisedSplit(
            split,
            found["ids"],
            found.get("types"),
            found["special"],
            found["starts"],
            share,
            found["truncated"],
            digest,
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _map(
    split: Split, tokenizer: PreTrainedTokenizerBase, *, max_length: int, template: str | None, cache_file: Path
) -> Dataset:
    typed = "token_type_ids" in tokenizer.model_input_names
    columns = {"input_ids": Sequence(Value("int32")), "special": Sequence(Value("bool")), "truncated": Value("bool")}
    if typed:
        columns["token_type_ids"] = Sequence(Value("int8"))
    datasets.disable_progress_bars()
    return split.rows.map(
        reader(tokenizer, max_length=max_length, template=template, pair=split.is_pair),
        batched=True,
        num_proc=len(usable_cores()) if len(split) >= _PARALLEL_FROM else None,
        remove_columns=split.rows.column_names,
        features=Features(columns),
        cache_file_name=str(cache_file),
        new_fingerprint=xxhash.xxh3_128_hexdigest(str(cache_file).encode()),
    )


def _flatten(rows: Dataset, folder: Path) -> None:
    """Write the columns end to end, a slice of the rows at a time; about.json comes last."""
    lengths = np.concatenate([np.zeros(0, np.int64), *(c.value_lengths() for c in _slices(rows, "input_ids"))])
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    np.save(folder / "starts.npy", starts)
    ragged = (("input_ids", "ids", np.int32), ("token_type_ids", "types", np.int8), ("special", "special", np.bool_))
    for column, name, dtype in ragged:
        if column in rows.column_names:
            with (folder / f"{name}.npy").open("wb") as file:
                header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (int(starts[-1]),)}
                np.lib.format.write_array_header_1_0(file, header)
                for values in _slices(rows, column):
                    values.flatten().to_numpy(zero_copy_only=False).astype(dtype, copy=False).tofile(file)
    cut = [values.to_numpy(zero_copy_only=False).astype(bool) for values in _slices(rows, "truncated")]
    truncated = np.concatenate([np.zeros(0, bool), *cut])
    np.save(folder / "truncated.npy", truncated)
    hashes = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    (folder / "about.json").write_text(json.dumps(hashes))


def _slices(rows: Dataset, column: str) -> Iterator[Any]:
    chosen = rows.select_columns([column]).with_format("arrow")
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        table: Any = chosen[start : start + _ROWS_AT_ONCE]
        values = table.column(column).combine_chunks()
        yield values.chunk(0) if isinstance(values, pa.ChunkedArray) else values


def reader(
    tokenizer: PreTrainedTokenizerBase, *, max_length: int, template: str | None, pair: bool
) -> Callable[[dict[str, list[str]]], dict[str, list]]:
    """What turns columns of texts into columns of token ids; see :func:`tokenise`.

    Args:
        tokenizer: The encoder's own.
        max_length: In tokens.
        template: As in ``tokenise``.
        pair: Whether there is a column ``text_pair`` beside ``text``.
    """
    typed = "token_type_ids" in tokenizer.model_input_names
    if template is not None:
        return Templated(tokenizer, template=template, max_length=max_length, typed=typed)
    return _Encode(tokenizer, max_length=max_length, typed=typed, pair=pair)


class _Encode:
    """Tokenises a batch of rows; a class, so that worker processes can receive it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, max_length: int, typed: bool, pair: bool) -> None:
        self.tokenizer, self.max_length, self.typed, self.pair = tokenizer, max_length, typed, pair
        self.special = Special(tokenizer, pair=pair)

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        encoded = self.tokenizer(
            batch["text"],
            batch["text_pair"] if self.pair else None,
            truncation=True,
            max_length=self.max_length,
            return_attention_mask=False,
            return_token_type_ids=self.typed,
            return_special_tokens_mask=self.special.asks_for_mask,
        )
        result = dict(encoded)
        result["special"] = self.special.masks(encoded)
        result.pop("special_tokens_mask", None)
        if encoded.encodings is not None:
            result["truncated"] = [bool(one.overflowing) for one in encoded.encodings]
        else:  # a tokenizer without a Rust backend does not say what it cut
            result["truncated"] = [len(ids) >= self.max_length for ids in encoded["input_ids"]]
        return result

"""Texts to token ids, once: cached on disk by content, memory-mapped afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence as TextSequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import xxhash
from transformers import PreTrainedTokenizerBase

from poolsweep.data.cache import cached
from poolsweep.data.reading import Reading
from poolsweep.data.splits import Split
from poolsweep.data.text_reader import TextReader, reader
from poolsweep.process.cpu_affinity import usable_cores

if TYPE_CHECKING:
    from datasets import Dataset

_PARALLEL_FROM = 50_000  # rows; below, starting processes costs more than it saves
_ROWS_AT_ONCE = 8192
_VERSION = 10  # of the cached files
_ARRAYS = ("ids", "types", "special", "template", "prefix", "starts", "truncated", "first", "repeated")


@dataclass(frozen=True)
class TokenisedTexts:
    """The token ids of some texts; of a split they are memory-mapped.

    Attributes:
        row_ids: (N,) int64, each text's row in its source, 0 = first after the header.
        ids: (ΣT,) int32, the token ids of all texts end to end.
        types: (ΣT,) int8 segment ids, where the tokenizer has them, else None.
        special: (ΣT,) bool, True at tokens that the tokenizer added to the text.
        starts: (W + 1,) int64; input w is at ``starts[w]`` to ``starts[w + 1]``. Without windows W = N.
        truncated: (N,) bool, whether each text was cut.
        template: (ΣT,) bool, True at the [MASK] of a template, or else at the last copy of the text in it; None without
            a template.
        digest: A hash of all of these; empty of texts that are not stored.
        prefix: (ΣT,) bool, True at tokens of a prefix that are not pooled; None = all are.
        first: (N + 1,) int64; the windows of text i are inputs ``first[i]`` to ``first[i + 1]``. None = one input each.
        repeated: (ΣT,) bool, True at tokens that stand in the document elsewhere, see ``WindowColumns``.
    """

    row_ids: np.ndarray
    ids: np.ndarray
    types: np.ndarray | None
    special: np.ndarray
    starts: np.ndarray
    truncated: np.ndarray
    template: np.ndarray | None = None
    digest: str = ""
    prefix: np.ndarray | None = None
    first: np.ndarray | None = None
    repeated: np.ndarray | None = None

    @property
    def truncated_share(self) -> float:
        """Share of the texts that were cut, 0 to 1."""
        return float(self.truncated.mean()) if len(self.truncated) else 0.0

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, in all of its windows; (N,) int64."""
        return np.diff(self.starts if self.first is None else self.starts[self.first])

    @property
    def windows(self) -> np.ndarray:
        """Windows of each text; (N,) int64."""
        return np.ones(len(self.starts) - 1, np.int64) if self.first is None else np.diff(self.first)

    @property
    def mean_windows(self) -> float | None:
        """Windows of a text on average; None where none are read."""
        return None if self.first is None or len(self.first) < 2 else float(self.first[-1]) / (len(self.first) - 1)

    @cached_property
    def added(self) -> np.ndarray:
        """Tokens of each input that are not repeated; (W,) int64."""
        found = np.diff(self.starts)
        if self.repeated is not None and found.any():
            begins = np.asarray(self.starts[:-1])[found > 0]
            found[found > 0] -= np.add.reduceat(self.repeated, begins, dtype=np.int64)
        return found


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


def tokenise(split: Split, *, tokenizer: PreTrainedTokenizerBase, reading: Reading) -> TokenisedTexts:
    """Tokenise a split, or read it from the cache.

    Args:
        split: Texts, single or in pairs.
        tokenizer: The encoder's own.
        reading: How texts are read.
    """
    key = f"{_VERSION} {tokenizer_hash(tokenizer)} {reading} {split.content_hash}"

    def make(folder: Path) -> dict[str, None]:
        beside = folder.with_name("a.arrow")
        _flatten(_map(split, tokenizer, reading, cache_file=beside), folder)
        return {}

    found = cached("tokenised", key, make, what="tokenised texts")
    arrays = {
        name: np.load(found.folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS if f"{name}.npy" in found.sums
    }
    return TokenisedTexts(
        split.row_ids,
        arrays["ids"],
        arrays.get("types"),
        arrays["special"],
        arrays["starts"],
        arrays["truncated"],
        arrays.get("template"),
        xxhash.xxh3_128_hexdigest(json.dumps(found.sums, sort_keys=True).encode()),
        arrays.get("prefix"),
        arrays.get("first"),
        arrays.get("repeated"),
    )


def tokenise_at_once(read: TextReader, texts: TextSequence[str], pairs: TextSequence[str] | None) -> TokenisedTexts:
    """Tokenise texts that fit into memory.

    Args:
        read: What ``reader`` gives for the tokenizer and the reading.
        texts: One or more.
        pairs: The second text of each, if they come in pairs.
    """
    columns = read({"text": list(texts)} | ({} if pairs is None else {"text_pair": list(pairs)}))
    windows = columns.get("windows")
    starts = _starts(list(chain.from_iterable(windows)) if windows else [len(ids) for ids in columns["input_ids"]])

    def flat(name: str, dtype: type) -> np.ndarray:
        return np.fromiter(chain.from_iterable(columns[name]), dtype, count=int(starts[-1]))

    return TokenisedTexts(
        np.arange(len(texts)),
        flat("input_ids", np.int32),
        flat("token_type_ids", np.int8) if "token_type_ids" in columns else None,
        flat("special", np.bool_),
        starts,
        np.array(columns["truncated"], dtype=bool),
        flat("template", np.bool_) if "template" in columns else None,
        prefix=flat("prefix", np.bool_) if "prefix" in columns else None,
        first=None if windows is None else _starts([len(lengths) for lengths in windows]),
        repeated=None if windows is None else flat("repeated", np.bool_),
    )


def _starts(lengths: TextSequence[int] | np.ndarray) -> np.ndarray:
    """Where rows that lie end to end begin, and where the last one ends; (N + 1,) int64."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def _map(split: Split, tokenizer: PreTrainedTokenizerBase, reading: Reading, *, cache_file: Path) -> Dataset:
    import datasets  # takes a second, and rows that are tokenised before do without it
    from datasets import Features, Sequence, Value

    typed = "token_type_ids" in tokenizer.model_input_names
    columns = {"input_ids": Sequence(Value("int32")), "special": Sequence(Value("bool")), "truncated": Value("bool")}
    if reading.template is not None:
        columns["template"] = Sequence(Value("bool"))
    if typed:
        columns["token_type_ids"] = Sequence(Value("int8"))
    if reading.prefix and not reading.pool_prefix:
        columns["prefix"] = Sequence(Value("bool"))
    if reading.cut.keep == "windows":
        columns |= {"windows": Sequence(Value("int32")), "repeated": Sequence(Value("bool"))}
    datasets.disable_progress_bars()
    return split.rows.map(
        reader(tokenizer, reading, pair=split.is_pair),
        batched=True,
        num_proc=len(usable_cores()) if len(split) >= _PARALLEL_FROM else None,
        remove_columns=split.rows.column_names,
        features=Features(columns),
        cache_file_name=str(cache_file),
        new_fingerprint=xxhash.xxh3_128_hexdigest(str(cache_file).encode()),
    )


def _flatten(rows: Dataset, folder: Path) -> None:
    """Write the columns end to end, a slice of the rows at a time."""

    def lengths(column: str) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int64), *(c.value_lengths() for c in _slices(rows, column))])

    of_inputs = lengths("input_ids")
    if "windows" in rows.column_names:
        np.save(folder / "first.npy", _starts(lengths("windows")))
        of_inputs = np.concatenate([np.zeros(0, np.int32), *(c.flatten().to_numpy() for c in _slices(rows, "windows"))])
    starts = _starts(of_inputs)
    np.save(folder / "starts.npy", starts)
    ragged = (
        ("input_ids", "ids", np.int32), ("token_type_ids", "types", np.int8), ("special", "special", np.bool_),
        ("template", "template", np.bool_), ("prefix", "prefix", np.bool_), ("repeated", "repeated", np.bool_),
    )  # fmt: skip
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


def _slices(rows: Dataset, column: str) -> Iterator[Any]:
    chosen = rows.select_columns([column]).with_format("arrow")
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        table: Any = chosen[start : start + _ROWS_AT_ONCE]
        values = table.column(column).combine_chunks()
        yield values.chunk(0) if isinstance(values, pa.ChunkedArray) else values

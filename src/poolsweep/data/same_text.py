"""Which texts count as the same: those that a tokenizer may turn into the same tokens."""

from __future__ import annotations

import unicodedata

import numpy as np
import xxhash

from poolsweep.data.splits import Split

_DROPPED = {"Mn", "Cc", "Cf"}  # combining marks, control and format characters


def text_key(text: str) -> str:
    """A text without case, accents, white space and invisible characters.

    Example:
        >>> text_key("Cafe\\u0301  Noir") == text_key("CAFÉ noir")
        True
    """
    if text.isascii():
        return "".join(text.split()).lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) not in _DROPPED)


def text_keys(split: Split, *, pairs: bool = False) -> np.ndarray:
    """A 64-bit hash of the key of each row's text, or of both texts of a pair; (N,) uint64."""
    found = _hashed(split, "text")
    if pairs and split.is_pair:
        found = found * np.uint64(0x9E3779B97F4A7C15) + _hashed(split, "text_pair")
    return found


def _hashed(split: Split, column: str) -> np.ndarray:
    found = np.empty(len(split), dtype=np.uint64)
    start = 0
    for values in split.slices(column):
        keys = [
            xxhash.xxh3_64_intdigest(text_key(text).encode("utf-8", "surrogatepass")) for text in values.to_pylist()
        ]
        found[start : start + len(keys)] = keys
        start += len(keys)
    return found

"""Rules about padding and the other rows of a batch."""

from __future__ import annotations

import torch

from poolsweep.pooling.conformance.result import require, require_close
from poolsweep.pooling.conformance.subject import Subject, pool

_LENGTHS = (4, 1, 6, 2)


@torch.no_grad()
def padding_content_ignored(subject: Subject, dtype: torch.dtype) -> None:
    """Whatever stands at padding, NaN included, changes nothing."""
    pooling = subject.make(dtype)
    clean = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype, fill=0.0))
    for fill in (float("nan"), float("inf"), -1e4):
        found = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype, fill=fill))
        require_close(found, clean, f"padding filled with {fill} instead of 0", dtype=dtype)


@torch.no_grad()
def left_equals_right(subject: Subject, dtype: torch.dtype) -> None:
    """Padding before the text gives the same as padding behind it."""
    pooling = subject.make(dtype)
    right = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype))
    left = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype, side="left"))
    require_close(left, right, "left padding instead of right", dtype=dtype)


@torch.no_grad()
def batch_independent(subject: Subject, dtype: torch.dtype) -> None:
    """A row alone, unpadded, gives what it gives in a batch of any order and length."""
    pooling = subject.make(dtype)
    together = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype))
    backwards = pool(pooling, subject.batch(pooling, _LENGTHS[::-1], dtype=dtype, length=9))
    require_close(backwards.flip(0), together, "rows in reverse order with more padding", dtype=dtype)
    for position, length in enumerate(_LENGTHS):
        alone = pool(pooling, subject.batch(pooling, [length], dtype=dtype))
        require_close(alone[0], together[position], f"a row of {length} tokens alone", dtype=dtype)


@torch.no_grad()
def all_padding_gives_zeros(subject: Subject, dtype: torch.dtype) -> None:
    """A row without a real token gives zeros, and leaves its neighbours alone."""
    pooling = subject.make(dtype)
    expected = pool(pooling, subject.batch(pooling, [4, 2], dtype=dtype))
    for fill in (float("nan"), 1.0):
        found = pool(pooling, subject.batch(pooling, [4, 0, 2], dtype=dtype, fill=fill))
        require(
            bool((found[1] == 0).all()), f"an all-padding row filled with {fill} gives {found[1].tolist()}, not zeros"
        )
        require_close(found[[0, 2]], expected, "the rows beside an all-padding row", dtype=dtype)


@torch.no_grad()
def one_token_row(subject: Subject, dtype: torch.dtype) -> None:
    """A row of a single token, which is special and the only one left, is pooled like any other."""
    pooling = subject.make(dtype)
    padded = pool(pooling, subject.batch(pooling, [1, 3], dtype=dtype))
    alone = pool(pooling, subject.batch(pooling, [1], dtype=dtype))
    require(bool((alone != 0).any()), "a one-token row gives zeros")
    require_close(padded[:1], alone, "a one-token row beside a longer one", dtype=dtype)


@torch.no_grad()
def input_unchanged(subject: Subject, dtype: torch.dtype) -> None:
    """Nothing that is handed in is changed in place."""
    pooling = subject.make(dtype)
    batch = subject.batch(pooling, _LENGTHS, dtype=dtype, fill=7.0)
    before = [(tensor._version, tensor.clone()) for tensor in batch.tensors()]
    pool(pooling, batch)
    for tensor, (version, copy) in zip(batch.tensors(), before, strict=True):
        untouched = tensor._version == version and torch.equal(tensor, copy)
        require(untouched, f"an input of shape {tuple(tensor.shape)} was changed in place")

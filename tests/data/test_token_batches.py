"""Every row once, no batch above its tokens, the same number of batches in every epoch."""

from __future__ import annotations

import numpy as np
import pytest

from poolsweep.data.sampler import EpochSampler
from poolsweep.data.token_batches import TokenBatches
from poolsweep.errors import UserError

LENGTHS = np.random.default_rng(0).integers(3, 60, size=500)


def epoch(number: int, **options) -> list[list[int]]:
    batches = TokenBatches(EpochSampler(len(LENGTHS), seed=0), LENGTHS, max_tokens=512, **options)
    batches.sampler.set_epoch(number)
    found = list(batches)
    had = options.get("start", (0, 0))
    assert len(found) == len(batches) - (had[1] if had[0] == number else 0)
    return found


def test_every_row_comes_once_and_no_batch_is_too_large_or_empty():
    for number in range(20):
        batches = epoch(number)
        assert sorted(row for batch in batches for row in batch) == list(range(len(LENGTHS)))
        tokens = [int(LENGTHS[batch].sum()) for batch in batches]
        assert 0 < min(tokens) <= max(tokens) <= 512
        assert np.std(tokens) < 0.1 * np.mean(tokens), "about equally many"
        assert len({len(batch) for batch in batches}) > 1, "premise: not by count"
    assert epoch(0) == epoch(0) != epoch(1)


def test_processes_share_the_batches_of_one():
    whole = epoch(3)
    shares = [epoch(3, rank=rank, world_size=2) for rank in (0, 1)]
    assert len(shares[0]) == len(shares[1])
    rows = sorted(row for share in shares for batch in share for row in batch)
    assert rows == sorted(row for batch in whole for row in batch)


def test_a_resumed_run_goes_on_behind_what_it_has_had():
    assert epoch(2, start=(2, 5)) == epoch(2)[5:]
    assert epoch(3, start=(2, 5)) == epoch(3)


def test_too_few_tokens_are_refused():
    with pytest.raises(UserError, match=r"data\.max_tokens must be at least three times the longest text's \d+"):
        TokenBatches(EpochSampler(len(LENGTHS), seed=0), LENGTHS, max_tokens=100)


def test_few_rows_on_many_processes_leave_none_without_a_batch():
    lengths = np.full(40, 5)
    counts = [
        len(list(TokenBatches(EpochSampler(40, seed=0), lengths, max_tokens=512, rank=rank, world_size=8)))
        for rank in range(8)
    ]
    assert counts == [1] * 8

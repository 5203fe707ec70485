"""Batches of about equally many tokens, rather than of equally many texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from poolsweep.data.sampler import EpochSampler
from poolsweep.errors import UserError

_LONGEST_PER_BATCH = 3  # texts of the greatest length that must fit, so that no batch is empty


class TokenBatches(Sampler[list[int]]):
    """Cuts each epoch's shuffled rows where equal shares of its tokens end.

    Every epoch has the same number of batches, which a schedule needs, and every row once; no batch has more than
    ``max_tokens`` tokens, padding not counted. A batch's loss stays the mean over its texts.

    Args:
        order: Sampler of all rows; Lightning tells it the epoch.
        lengths: (N,) tokens of each row.
        max_tokens: Most tokens of a batch; at least three times the longest row.
        rank: This process among ``world_size``.
        world_size: Processes; each gets every ``world_size``-th batch, and all get as many.
        start: Epoch and number of its batches that this process has had already, where a run is resumed.
    Raises:
        UserError: If ``max_tokens`` is too small for the longest row.
    Example:
        >>> batches = TokenBatches(EpochSampler(6, seed=0), np.array([5, 1, 2, 4, 2, 4]), max_tokens=15)
        >>> [len(batch) for batch in batches]
        [3, 3]
    """

    def __init__(
        self,
        order: EpochSampler,
        lengths: np.ndarray,
        *,
        max_tokens: int,
        rank: int = 0,
        world_size: int = 1,
        start: tuple[int, int] = (0, 0),
    ) -> None:
        longest = int(lengths.max()) if len(lengths) else 0
        if max_tokens < _LONGEST_PER_BATCH * longest:
            raise UserError(
                f"data.max_tokens must be at least three times the longest text's {longest} tokens, got {max_tokens}"
            )
        self.sampler = order  # where Lightning looks for set_epoch
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self._rank, self._world_size, self._start = rank, world_size, start
        # A batch ends with the text that begins in its share, so it may have one text more than the share.
        whole = -(-int(self._lengths.sum()) // max(1, max_tokens - longest))
        self.count = max(world_size, -(-whole // world_size) * world_size)

    def __len__(self) -> int:
        return self.count // self._world_size

    def __iter__(self) -> Iterator[list[int]]:
        order = np.fromiter(self.sampler, np.int64, len(self._lengths))
        lengths = self._lengths[order]
        begins = np.cumsum(lengths) - lengths
        batches = np.split(order, np.searchsorted(begins * self.count, lengths.sum() * np.arange(1, self.count)))
        had = self._start[1] if self.sampler.epoch == self._start[0] else 0
        for batch in batches[self._rank :: self._world_size][had:]:
            yield batch.tolist()

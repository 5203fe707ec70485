"""The order of training examples: a function of the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochSampler(Sampler[int]):
    """Shuffles all rows anew each epoch.

    Data that arrives sorted by label is mixed; the order does not depend on any global random state, so it is the same
    whatever else a run draws.

    Args:
        size: Number of rows.
        seed: Together with the epoch, decides the order.
        rank: This process among ``world_size``.
        world_size: Processes that share the rows; each gets every ``world_size``-th, the first rows once more where
            they do not divide evenly.
        start: Epoch, and rows of it that this process has had already: where a resumed run goes on.
    Example:
        >>> sampler = EpochSampler(4, seed=0)
        >>> first = list(sampler)
        >>> sampler.set_epoch(1)
        >>> sorted(first) == sorted(sampler), first == list(sampler)
        (True, False)
    """

    def __init__(
        self, size: int, *, seed: int, rank: int = 0, world_size: int = 1, start: tuple[int, int] = (0, 0)
    ) -> None:
        self.size = size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.start = start
        self.epoch = start[0]

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.size // self.world_size)

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        padded = np.resize(order, len(self) * self.world_size)
        had = self.start[1] if self.epoch == self.start[0] else 0
        return iter(padded[self.rank :: self.world_size][had:].tolist())

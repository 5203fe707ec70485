"""Which rows each process has in each step: an epoch's order, dealt so that many processes compute what one would."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from torch.utils.data import Dataset, Sampler

from poolsweep.data.batch import Batch


class EpochSampler(Sampler[int]):
    """Shuffles all rows anew each epoch.

    Data that arrives sorted by label is mixed; the order does not depend on any global random state, so it is the same
    whatever else a run draws.

    Args:
        size: Number of rows.
        seed: Together with the epoch, decides the order.
        epoch: The first epoch.
    Example:
        >>> sampler = EpochSampler(4, seed=0)
        >>> first = list(sampler)
        >>> sampler.set_epoch(1)
        >>> sorted(first) == sorted(sampler), first == list(sampler)
        (True, False)
    """

    def __init__(self, size: int, *, seed: int, epoch: int = 0) -> None:
        self.size = size
        self.seed = seed
        self.epoch = epoch

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng((self.seed, self.epoch)).permutation(self.size).tolist())


@dataclass(frozen=True)
class RankBatch:
    """What one process has in one step.

    Attributes:
        rows: Positions in the split.
        weight: Factor of its mean loss in the mean over processes and accumulated steps. 0: the row fills a place,
            since all processes take the same number of steps.
        total: Rows that count, of all processes.
    """

    rows: tuple[int, ...]
    weight: float
    total: int


@dataclass(eq=False)
class TrainingSampler(Sampler[RankBatch]):
    """Deals the rows of an epoch to processes and steps.

    The rows of one optimizer step depend on the product of batch size, processes and accumulated steps alone. Each
    process gets as many of them as the others, or one less, and about as many tokens. A batch's weight makes up for
    uneven numbers: the gradients' mean over processes and accumulated steps is the mean over rows. Where rows count by
    weights of their own, it is their weighted mean, if that of a batch divides by its summed weights.

    Args:
        sampler: The order of all rows; Lightning tells it the epoch.
        batch_size: Rows of a process and step.
        rank: This process among ``world_size``.
        world_size: Processes.
        lengths: (N,) tokens of each row; None = all alike.
        row_weights: (N,) what each row counts; None = all alike.
        micro_batches: Steps that each batch is divided into, where it does not fit into memory at once.
        accumulated: Gives the steps whose gradients are added up.
        limit: Gives the most steps of an epoch.
        start: Epoch, and steps of it that are behind a run that is resumed.
    Example:
        >>> order = EpochSampler(5, seed=0)
        >>> [[len(batch.rows) for batch in TrainingSampler(order, 2, rank=rank, world_size=2)] for rank in (0, 1)]
        [[2, 1], [2, 1]]
        >>> [[batch.weight for batch in TrainingSampler(order, 2, rank=rank, world_size=2)] for rank in (0, 1)]
        [[1.0, 2.0], [1.0, 0.0]]
    """

    sampler: EpochSampler  # where Lightning looks for set_epoch
    batch_size: int
    _: KW_ONLY
    rank: int = 0
    world_size: int = 1
    lengths: np.ndarray | None = None
    row_weights: np.ndarray | None = None
    micro_batches: int = 1
    accumulated: Callable[[], int] = lambda: 1
    limit: Callable[[], float] = lambda: float("inf")
    start: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return self.micro_batches * -(-self.sampler.size // (self.batch_size * self.world_size))

    def __iter__(self) -> Iterator[RankBatch]:
        order = np.fromiter(self.sampler, np.int64, self.sampler.size)
        first = self.start[1] if self.sampler.epoch == self.start[0] else 0
        together = self.batch_size * self.world_size
        for number in range(first // self.micro_batches, len(self) // self.micro_batches):
            rows = order[number * together : (number + 1) * together]
            for part, dealt in enumerate(self._dealt(rows, self.rank)):
                step = number * self.micro_batches + part
                if step >= first:
                    weight = self.world_size * self.accumulated() * self._share(dealt, step, order)
                    chosen = dealt if len(dealt) else rows[:1]
                    yield RankBatch(tuple(chosen.tolist()), weight, self._rows_in(step))

    def _lengths_at(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.lengths is None else self.lengths[rows]

    def _dealt(self, rows: np.ndarray, rank: int) -> list[np.ndarray]:
        """What a process has of the rows of a batch, by micro-batch."""
        mine = balanced_parts(rows, self._lengths_at(rows), self.world_size)[rank]
        return balanced_parts(mine, self._lengths_at(mine), self.micro_batches)

    def _share(self, dealt: np.ndarray, step: int, order: np.ndarray) -> float:
        """What some rows of a step count among all of its optimizer step."""
        accumulated = self.accumulated()
        begin = step - step % accumulated
        steps = range(begin, int(min(begin + accumulated, len(self), self.limit())))
        if self.row_weights is None:
            return len(dealt) / max(1, sum(map(self._rows_in, steps)))
        return self.row_weights[dealt].sum() / sum(self._weight_in(each, order) for each in steps)

    def _weight_in(self, step: int, order: np.ndarray) -> float:
        """What the rows of all processes in a step count."""
        assert self.row_weights is not None
        number, part = divmod(step, self.micro_batches)
        together = self.batch_size * self.world_size
        rows = order[number * together : (number + 1) * together]
        if self.micro_batches == 1:
            return self.row_weights[rows].sum()
        return sum(self.row_weights[self._dealt(rows, rank)[part]].sum() for rank in range(self.world_size))

    def _rows_in(self, step: int) -> int:
        """Rows of all processes in a step."""
        number, part = divmod(step, self.micro_batches)
        together = self.batch_size * self.world_size
        rows = min(together, self.sampler.size - number * together)
        shares = (_size(rows, rank, self.world_size) for rank in range(self.world_size))
        return sum(_size(share, part, self.micro_batches) for share in shares)


@dataclass(eq=False)
class EvaluationSampler(Sampler[RankBatch]):
    """Deals whole batches, each the same as one process would have, so that a row's logits are the same bits.

    Args:
        size: Rows, in file order.
        batch_size: Rows of a batch.
        rank: This process among ``world_size``.
        world_size: Processes; batch b goes to process b modulo their number.
    """

    size: int
    batch_size: int
    _: KW_ONLY
    rank: int = 0
    world_size: int = 1

    def __len__(self) -> int:
        return -(-self.size // (self.batch_size * self.world_size))

    def __iter__(self) -> Iterator[RankBatch]:
        for step in range(len(self)):
            begin = (step * self.world_size + self.rank) * self.batch_size
            rows = tuple(range(begin, min(begin + self.batch_size, self.size)))
            yield RankBatch(rows or (0,), float(bool(rows)), len(rows))


class WeightedRows(Dataset[Batch]):
    """The rows of a split, fetched by the batch of a process.

    Args:
        rows: A dataset whose ``__getitems__`` gives a ``Batch``.
    """

    def __init__(self, rows: Dataset[Batch]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Batch:
        return self.rows[index]

    def __getitems__(self, wanted: RankBatch) -> Batch:
        """The wanted rows as one batch that knows its weight; the data loader calls it once per step."""
        batch: Batch = self.rows.__getitems__(wanted.rows)  # type: ignore[attr-defined]
        batch.weight, batch.total = wanted.weight, wanted.total
        return batch


def balanced_parts(rows: np.ndarray, weights: np.ndarray | None, count: int) -> list[np.ndarray]:
    """Divide rows into parts of equal number, up to one, and about equal weight; each keeps the order of the rows.

    Args:
        rows: The rows to divide.
        weights: Weight of each row; None = all alike.
        count: Number of parts; the first of them get the rows that do not divide evenly.
    Example:
        >>> [part.tolist() for part in balanced_parts(np.array([1, 2, 3, 4, 5]), np.array([9, 8, 1, 1, 1]), 2)]
        [[1, 4, 5], [2, 3]]
    """
    if count == 1:
        return [rows]
    if weights is None:
        return [rows[part::count] for part in range(count)]
    room = [_size(len(rows), part, count) for part in range(count)]
    taken: list[list[int]] = [[] for _ in range(count)]
    lightest = [(0, part) for part in range(count) if room[part]]
    for position in np.argsort(-weights, kind="stable").tolist():  # the longest first, each to whom has least
        weight, part = heapq.heappop(lightest)
        taken[part].append(position)
        if len(taken[part]) < room[part]:
            heapq.heappush(lightest, (weight + int(weights[position]), part))
    return [rows[sorted(positions)] for positions in taken]


def _size(rows: int, part: int, count: int) -> int:
    return rows // count + (part < rows % count)


def lengths_of(rows: Dataset[Batch]) -> np.ndarray | None:
    """Tokens of each row of a split, if its rows differ in them."""
    lengths: Sequence[int] | np.ndarray | None = getattr(rows, "lengths", None)
    return None if lengths is None else np.asarray(lengths)

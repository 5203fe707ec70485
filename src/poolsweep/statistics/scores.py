"""The per-example scores of one contender: seeds by test examples, aligned by row id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Scores:
    """One contender's scores on the test rows that all its seeds share.

    Args:
        values: A score for each seed and test row whose mean over rows is the metric (for accuracy 1 where right and 0
            where wrong; for others see :mod:`poolsweep.statistics.influence`).
        seeds: The seed of each row of ``values``.
        row_ids: The id of each column of ``values``.
        deterministic: The contender has no seed noise: one row stands for all seeds.

    Shape:
        values (S, N) float; seeds (S,); row_ids (N,).

    Raises:
        ValueError: If shapes disagree, a value is not finite, a seed or row id comes twice, or the seeds of a
            deterministic contender differ.

    Example:
        >>> Scores([[1, 0, 1], [1, 1, 1]], seeds=(0, 1), row_ids=[7, 8, 9]).seed_means
        array([0.66666667, 1.        ])
    """

    values: NDArray[np.float64]
    seeds: tuple[Any, ...]
    row_ids: NDArray
    deterministic: bool = False

    def __init__(
        self, values: ArrayLike, *, seeds: tuple[Any, ...], row_ids: ArrayLike, deterministic: bool = False
    ) -> None:
        table, rows = np.asarray(values, dtype=np.float64), np.asarray(row_ids)
        if table.shape != (len(seeds), len(rows)) or table.size == 0:
            raise ValueError(f"values have shape {table.shape} for {len(seeds)} seeds and {len(rows)} rows")
        if not np.isfinite(table).all():
            raise ValueError("scores must be finite")
        if len(set(seeds)) != len(seeds):
            raise ValueError(f"a seed comes twice: {seeds}")
        if len(np.unique(rows)) != len(rows):
            raise ValueError("a row id comes twice: predictions can not be told apart")
        if deterministic and not (table == table[0]).all():
            raise ValueError("the seeds of a deterministic contender must agree")
        object.__setattr__(self, "values", table[:1] if deterministic else table)
        object.__setattr__(self, "seeds", tuple(seeds[:1]) if deterministic else tuple(seeds))
        object.__setattr__(self, "row_ids", rows)
        object.__setattr__(self, "deterministic", deterministic)

    @property
    def seed_means(self) -> NDArray[np.float64]:
        """The metric of each seed, (S,)."""
        return self.values.mean(axis=1)

    @property
    def mean(self) -> float:
        """The metric, averaged over seeds."""
        return float(self.values.mean())

    def on(self, seeds: tuple[Any, ...]) -> NDArray[np.float64]:
        """The rows of these seeds, in this order; a deterministic contender gives its row for each, (len(seeds), N)."""
        if self.deterministic:
            return np.broadcast_to(self.values, (len(seeds), self.values.shape[1]))
        return self.values[[self.seeds.index(seed) for seed in seeds]]


def share_rows(row_ids: Mapping[Any, ArrayLike]) -> bool:
    """Whether all seeds were tested on the same rows (in any order), as the crossed model needs.

    If not (each seed drew its own split) use :func:`~poolsweep.statistics.nested_difference`.

    Example:
        >>> share_rows({0: [3, 1, 2], 1: [1, 2, 3]}), share_rows({0: [1, 2], 1: [3, 4]})
        (True, False)
    """
    ordered = [np.sort(np.asarray(rows)) for rows in row_ids.values()]
    return all(np.array_equal(ordered[0], other) for other in ordered[1:])


def align_scores(per_seed: Mapping[Any, tuple[ArrayLike, ArrayLike]], *, deterministic: bool = False) -> Scores:
    """Stacks the seeds of one contender with their rows in one order (sorted by row id).

    Args:
        per_seed: For each seed its row ids and the score of each.
        deterministic: Whether there is no seed noise; see :class:`Scores`.

    Shape:
        row ids and scores (N,) each, in any order.

    Raises:
        ValueError: If a seed was tested on other rows than the first; the sentence names both.

    Example:
        >>> align_scores({0: ([2, 1], [0.0, 1.0]), 1: ([1, 2], [1.0, 1.0])}).values
        array([[1., 0.],
               [1., 1.]])
    """
    if not per_seed:
        raise ValueError("there is no seed to align")
    first = next(iter(per_seed))
    rows = np.sort(np.asarray(per_seed[first][0]))
    stacked = []
    for seed, (row_ids, scores) in per_seed.items():
        order = np.argsort(np.asarray(row_ids), kind="stable")
        if not np.array_equal(np.asarray(row_ids)[order], rows):
            raise ValueError(
                f"seed {seed} was tested on other rows than seed {first}: compare them with nested_difference"
            )
        stacked.append(np.asarray(scores, dtype=np.float64)[order])
    return Scores(np.stack(stacked), seeds=tuple(per_seed), row_ids=rows, deterministic=deterministic)

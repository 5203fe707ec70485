"""Runs that were tested on different rows, because ``data.split_seed`` was swept: splits are replicates, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from poolsweep.report.contenders import Contender
from poolsweep.report.predictions import Predicted

Predictions = Mapping[str, Mapping[int, Predicted]]


@dataclass(frozen=True)
class Splits:
    """Which replicates of which contenders were tested on the same rows.

    Attributes:
        of: Contender → replicate → a fingerprint of its test rows, or what is known of it.
        common: The splits that all ``compared`` have.
        compared: Contenders that have these; others keep the mean over their own splits, and are held against nobody.
    """

    of: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    common: frozenset[str] = frozenset()
    compared: tuple[str, ...] = ()

    def left_out(self, name: str) -> list[int]:
        """The replicates of a compared contender that not all others have."""
        own = self.of.get(name, {}) if name in self.compared else {}
        return sorted(replicate for replicate, split in own.items() if split not in self.common)

    def values(self, name: str, by_replicate: Mapping[int, float]) -> dict[int, float]:
        """The metric of the replicates that count: all, or those on the splits that all have."""
        away = self.left_out(name)
        return {replicate: value for replicate, value in by_replicate.items() if replicate not in away}

    def means(self, name: str, by_replicate: Mapping[int, float]) -> list[float]:
        """The mean on each split, so that one with more seeds counts no more than the others."""
        by_split: dict[str, list[float]] = {}
        for replicate, value in by_replicate.items():
            by_split.setdefault(self.of[name][replicate], []).append(value)
        return [sum(values) / len(values) for values in by_split.values()]


def find_splits(contenders: Mapping[str, Contender], predictions: Predictions) -> Splits | None:
    """Tell splits apart by the rows that were tested, or by ``split_seed`` where no predictions are left.

    Args:
        contenders: By name.
        predictions: Contender → replicate → its predictions on the test split.
    Returns:
        None if all runs were tested on the same rows.
    """
    if predictions:
        of = {name: {seed: p.rows_hash for seed, p in by_seed.items()} for name, by_seed in predictions.items()}
    else:
        of = {
            name: {seed: str((run.config.get("data") or {}).get("split_seed")) for seed, run in contender.runs.items()}
            for name, contender in contenders.items()
        }
    if len({split for by_seed in of.values() for split in by_seed.values()}) < 2:
        return None
    unknown = {n: dict.fromkeys(c.runs, "unknown") | dict(of.get(n, {})) for n, c in contenders.items()}
    compared = _with_something_in_common({name: set(by_seed.values()) for name, by_seed in of.items()})
    common = frozenset.intersection(*(frozenset(of[name].values()) for name in compared))
    return Splits(unknown, common, compared)


def _with_something_in_common(had: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """As many contenders as share a split, the scarcest left out first.

    Example:
        >>> _with_something_in_common({"a": {"x", "y"}, "b": {"z"}, "c": {"y"}})
        ('a', 'c')
    """
    kept = {name: set(splits) for name, splits in had.items()}
    while not set.intersection(*kept.values()):
        shared = {n: sum(bool(own & other) for o, other in kept.items() if o != n) for n, own in kept.items()}
        del kept[min(kept, key=lambda name: (shared[name], len(kept[name])))]
    return tuple(kept)

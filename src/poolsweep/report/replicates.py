"""Replicates: on which split and by which seeds a run was made, and which of them contenders are compared on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from poolsweep.report.predicted import Predicted
from poolsweep.report.results import RunRecord

NO_FOLD = -1
_WORDS = {"split_seed": "split", "fold": "fold", "seed": "seed", "init_seed": "init_seed", "data_seed": "data_seed"}


class Replicate(NamedTuple):
    """One repetition of a contender: paired with the same one of every other, and never chosen among.

    Attributes:
        split_seed: ``data.split_seed``.
        fold: Fold, or ``NO_FOLD`` where the rows are not divided into folds.
        seed: ``seed``.
        init_seed: ``init_seed`` where it was swept apart from the seed; else the seed.
        data_seed: ``data_seed``, in the same way.
    """

    split_seed: int
    fold: int
    seed: int
    init_seed: int
    data_seed: int

    @property
    def split(self) -> tuple[int, int]:
        """What says how rows were divided; the others say how a model was trained."""
        return self[:2]

    @classmethod
    def of_seed(cls, seed: int) -> Replicate:
        """One of those that a seed alone tells apart."""
        return cls(0, NO_FOLD, seed, seed, seed)

    @classmethod
    def of(cls, run: RunRecord, *, read_config: bool = False) -> Replicate:
        """The replicate that a run is.

        Args:
            run: Run that says what it is.
            read_config: Whether seeds that only its config tells count, too.
        """
        split, seed = run.facts.get("split") or {}, int(run.facts["seed"])
        fold = split.get("fold")
        of_split, init_seed, data_seed = split.get("seed") or 0, seed, seed
        if read_config:
            init_seed, data_seed = (int(run.config.get(key, seed)) for key in ("init_seed", "data_seed"))
            told = (run.config.get("data") or {}).get("split_seed")
            of_split = told if isinstance(told, int) else of_split
        return cls(of_split, NO_FOLD if fold is None else int(fold), seed, init_seed, data_seed)


def find_replicates(runs: Mapping[Any, Sequence[RunRecord]]) -> dict[str, Replicate]:
    """Run id → replicate, for all runs of a group; configs are read only where results alone do not tell runs apart.

    Args:
        runs: Runs by contender.
    """
    every = [run for several in runs.values() for run in several]
    found = {run.path.name: Replicate.of(run) for run in every}
    places = Counter(
        (contender, run.facts["setting"], found[run.path.name])
        for contender, several in runs.items() for run in several
    )  # fmt: skip
    if max(places.values(), default=1) > 1:
        return {run.path.name: Replicate.of(run, read_config=True) for run in every}
    return found


@dataclass(frozen=True)
class Wording:
    """How the replicates of a group are called: by what differs between them.

    Attributes:
        kinds: Fields that differ; the seed where none does.
    """

    kinds: tuple[str, ...]

    @classmethod
    def of(cls, replicates: Iterable[Replicate]) -> Wording:
        """Look at what differs.

        Args:
            replicates: All of a group.
        """
        every = list(replicates)
        of_splits = [kind for kind in ("split_seed", "fold") if len({getattr(one, kind) for one in every}) > 1]
        of_seeds = [kind for kind in ("seed", "init_seed", "data_seed") if len({getattr(r, kind) for r in every}) > 1]
        if {one.init_seed for one in every} == {one.data_seed for one in every} == {one.seed for one in every}:
            of_seeds = of_seeds[:1]  # these follow the seed
        if of_splits == ["split_seed"] and all(one.split_seed == one.seed for one in every):
            of_seeds = []  # each seed drew a split of its own
        return cls(tuple(of_splits + of_seeds or ["seed"]))

    def name(self, replicate: Replicate) -> str:
        """Such as ``seed 1``, or ``fold 2 seed 0``."""
        return " ".join(f"{_WORDS[kind]} {getattr(replicate, kind)}" for kind in self.kinds)

    def short(self, replicate: Replicate) -> str:
        """The same without words, where one number says it."""
        return str(getattr(replicate, self.kinds[0])) if len(self.kinds) == 1 else self.name(replicate)

    def listed(self, replicates: Collection[Replicate]) -> str:
        """Several in a row: ``seeds 1, 2``, or ``fold 0 seed 1; fold 2 seed 0``."""
        ordered = sorted(replicates)
        kind, *more = self.kinds
        if more:
            return "; ".join(map(self.name, ordered))
        return f"{_WORDS[kind]}{'s' * (len(ordered) > 1)} {', '.join(map(self.short, ordered))}"

    @property
    def noun(self) -> str:
        """What several of them are called."""
        return f"{_WORDS[self.kinds[0]]}s" if len(self.kinds) == 1 else "replicates"


@dataclass(frozen=True)
class Splits:
    """Which replicates of which contenders were made on the same split.

    Attributes:
        of: Contender → replicate → its split, in words that are equal where it is the same with the same test rows.
        common: The splits that all ``compared`` have.
        tested_on_the_same: Whether every split has the same test rows, as with a given test file.
        compared: Contenders that have these; others keep the mean over their own splits, and are held against nobody.
    """

    of: Mapping[str, Mapping[Replicate, str]] = field(default_factory=dict)
    common: frozenset[str] = frozenset()
    tested_on_the_same: bool = False
    compared: tuple[str, ...] = ()

    def by_split(self, name: str, replicates: Iterable[Replicate]) -> dict[str, list[Replicate]]:
        """Some replicates of a contender by split, those on splits that not all have left out."""
        found: dict[str, list[Replicate]] = {}
        for replicate in sorted(replicates):
            if self.of[name][replicate] in self.common:
                found.setdefault(self.of[name][replicate], []).append(replicate)
        return found

    def left_out(self, name: str) -> list[Replicate]:
        """The replicates of a compared contender that not all others have."""
        own = self.of.get(name, {}) if name in self.compared else {}
        return sorted(replicate for replicate, split in own.items() if split not in self.common)

    def values(self, name: str, by_replicate: Mapping[Replicate, float]) -> dict[Replicate, float]:
        """The metric of the replicates that count: all, or those on the splits that all have."""
        away = self.left_out(name)
        return {replicate: value for replicate, value in by_replicate.items() if replicate not in away}

    def means(self, name: str, by_replicate: Mapping[Replicate, float]) -> list[float]:
        """The mean on each split, so that one with more seeds counts no more than the others."""
        by_split: dict[str, list[float]] = {}
        for replicate, value in by_replicate.items():
            by_split.setdefault(self.of[name][replicate], []).append(value)
        return [sum(values) / len(values) for values in by_split.values()]


def find_splits(
    replicates: Mapping[str, Collection[Replicate]], predictions: Mapping[str, Mapping[Replicate, Predicted]],
    *, apart: Collection[str] = (),
) -> Splits | None:  # fmt: skip
    """Tell splits apart by how rows were divided, and by the rows that were tested where predictions are left.

    Args:
        replicates: Contender → its replicates.
        predictions: Contender → replicate → its predictions on the test split.
        apart: Contenders that are not compared, and leave the others their splits.
    Returns:
        None if all runs were made on one split.
    """
    rows: dict[tuple[int, int], set[str]] = {}
    for found in predictions.values():
        for replicate, predicted in found.items():
            rows.setdefault(replicate.split, set()).add(predicted.rows_hash)

    def split_of(name: str, replicate: Replicate) -> str:
        tested = rows.get(replicate.split, set())
        if len(tested) < 2:
            return f"{replicate.split}"
        known = predictions.get(name, {}).get(replicate)
        return f"{replicate.split} {'unknown' if known is None else known.rows_hash}"

    of = {name: {one: split_of(name, one) for one in several} for name, several in replicates.items()}
    if len({split for found in of.values() for split in found.values()}) < 2:
        return None
    compared = _with_something_in_common({name: set(own.values()) for name, own in of.items() if name not in apart})
    common = frozenset.intersection(*(frozenset(of[name].values()) for name in compared))
    return Splits(of, common, len(set().union(*rows.values())) == 1, compared)


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

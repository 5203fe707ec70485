"""Carves a split out of the training rows: seeded, stratified by label, equal texts kept together."""

from __future__ import annotations

import numpy as np

from poolsweep.data.splits import Split


def carve(split: Split, *, name: str, fraction: float, seed: int) -> tuple[Split, Split]:
    """Take ``fraction`` of a split's rows, label by label, as a split of their own.

    Rows with the same text go together, so that no text of the new split is also trained on.

    Args:
        split: What is cut.
        name: The new split's name.
        fraction: Share of each label's rows, 0 to 1.
        seed: The cut is a function of it and the rows alone.
    """
    taken = stratified_groups(
        split.column("label").to_pylist(), groups=split.column("text").to_pylist(), fraction=fraction, seed=seed
    )
    return _part(split, ~taken, name=split.name), _part(split, taken, name=name)


def stratified_groups(labels: list, *, groups: list, fraction: float, seed: int) -> np.ndarray:
    """Choose whole groups of rows until each label has given its share.

    A group belongs to the label of its first row.

    Shape:
        labels (N,) and groups (N,) of hashable values; returns (N,) bool, True = chosen.
    Example:
        >>> chosen = stratified_groups(["a"] * 10 + ["b"] * 10, groups=list(range(20)), fraction=0.2, seed=0)
        >>> chosen[:10].sum(), chosen[10:].sum()
        (np.int64(2), np.int64(2))
    """
    members: dict[object, dict[object, list[int]]] = {}
    label_of: dict[object, object] = {}
    for row, (label, group) in enumerate(zip(labels, groups, strict=True)):
        owner = label_of.setdefault(group, label)
        members.setdefault(owner, {}).setdefault(group, []).append(row)
    chosen = np.zeros(len(labels), dtype=bool)
    random = np.random.default_rng(seed)
    for label in sorted(members, key=str):
        by_group = list(members[label].values())
        wanted = round(fraction * sum(map(len, by_group)))
        for i in random.permutation(len(by_group)):
            if wanted <= 0:
                break
            if len(by_group[i]) <= wanted:
                chosen[by_group[i]] = True
                wanted -= len(by_group[i])
    return chosen


def _part(split: Split, chosen: np.ndarray, *, name: str) -> Split:
    rows = np.flatnonzero(chosen)
    origin = split.origin if name == split.name else f"{split.origin} ({name} carved out)"
    return Split(name, origin, split.rows.select(rows), split.row_ids[rows])

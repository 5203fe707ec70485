"""Splits rows off the training rows: seeded, stratified by label, equal texts kept together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pyarrow import compute

from poolsweep.data.same_text import text_keys
from poolsweep.data.splits import Split

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them


def split_off_missing(
    found: Mapping[str, Split], *, fractions: Mapping[str, float], seed: int, of: str
) -> tuple[dict[str, Split], tuple[str, ...]]:
    """All splits, those that are missing split off the training rows; and a note for each of these.

    Args:
        found: The splits that there are, ``train`` among them.
        fractions: Split → share of the training rows, in the order in which they are split off.
        seed: Seed of the choice, which depends on it and the rows alone.
        of: Name of the training rows in a note.
    """
    splits, notes = dict(found), []
    for name, fraction in fractions.items():
        if name not in splits:
            before = len(splits["train"])
            splits["train"], splits[name] = split_off(splits["train"], name=name, fraction=fraction, seed=seed)
            notes.append(f"{name}: {len(splits[name])} of the {before} rows of {of}, stratified by label")
    return splits, tuple(notes)


def split_off(split: Split, *, name: str, fraction: float, seed: int) -> tuple[Split, Split]:
    """Take ``fraction`` of a split's rows, label by label, as a split of their own.

    Rows with the same text go together, so that no text of the new split is also trained on. Texts are the same here if
    they differ in case, accents or white space alone, which is what an encoder's tokenizer may drop.

    Args:
        split: The rows to take from.
        name: The new split's name.
        fraction: Share of each label's rows, 0 to 1.
        seed: Seed of the choice, which depends on it and the rows alone.
    """
    labels = pc.fill_null(split.column("label"), "")  # a missing one is named with its row when all is checked
    codes = pc.dictionary_encode(labels).combine_chunks()
    taken = stratified_groups(
        codes.indices.to_numpy(),
        groups=text_keys(split),
        fraction=fraction,
        seed=seed,
        names=codes.dictionary.to_pylist(),
    )
    return _part(split, ~taken, name=split.name), _part(split, taken, name=name)


def stratified_groups(
    labels: np.ndarray | list, *, groups: np.ndarray | list, fraction: float, seed: int, names: list | None = None
) -> np.ndarray:
    """Choose whole groups of rows until each label has given its share.

    A group belongs to the label of its first row.

    Args:
        labels: Label of each row.
        groups: Group of each row; rows of one group go together.
        fraction: Share of each label's rows, 0 to 1.
        seed: Seed of the choice, which depends on it, the labels and the groups alone.
        names: Names of the labels, if those are ids: the order of the names decides, not that of the ids.
    Shape:
        labels (N,) and groups (N,); returns (N,) bool, True = chosen.
    Example:
        >>> chosen = stratified_groups(["a"] * 10 + ["b"] * 10, groups=list(range(20)), fraction=0.2, seed=0)
        >>> chosen[:10].sum(), chosen[10:].sum()
        (np.int64(2), np.int64(2))
    """
    labels = np.asarray(labels)
    _, first, group_of = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    sizes, owners = np.bincount(group_of, minlength=len(first)), labels[first]
    in_order = np.argsort(first)  # groups as they first appear
    chosen = np.zeros(len(first), dtype=bool)
    random = np.random.default_rng(seed)
    called = (lambda label: names[label]) if names is not None else (lambda label: label)
    for label in sorted(np.unique(owners).tolist(), key=lambda label: str(called(label))):
        mine = in_order[owners[in_order] == label]
        wanted = round(fraction * int(sizes[mine].sum()))
        for group in mine[random.permutation(len(mine))]:
            if wanted <= 0:
                break
            if sizes[group] <= wanted:
                chosen[group] = True
                wanted -= int(sizes[group])
    return chosen[group_of]


def _part(split: Split, chosen: np.ndarray, *, name: str) -> Split:
    rows = np.flatnonzero(chosen)
    is_new = name != split.name
    origin = f"{split.origin} ({name} split off)" if is_new else split.origin
    return Split(name, origin, split.rows.select(rows), split.row_ids[rows], is_split_off=is_new)

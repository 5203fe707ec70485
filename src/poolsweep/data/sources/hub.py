"""A data set of the Hugging Face hub."""

from __future__ import annotations

import datasets
import numpy as np

from poolsweep.data.carve import carve
from poolsweep.data.labels import label_text
from poolsweep.data.sources.files import as_columns
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError, nearest


def hub(
    *,
    name: str,
    subset: str | None = None,
    revision: str | None = None,
    train: str = "train",
    validation: str | None = "validation",
    test: str | None = "test",
    text: str = "text",
    text_pair: str | None = None,
    label: str = "label",
    labels: list[str | int | bool] | None = None,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    split_seed: int = 0,
) -> Splits:
    """Load a data set from the hub or its local cache.

    Args:
        name: The data set's name, such as ``fancyzhx/ag_news``.
        subset: Its configuration, such as ``sst2`` of ``nyu-mll/glue``.
        revision: Branch, tag or commit.
        train: Name of the training split.
        validation: Name of the validation split; null or absent = carved out of the training split.
        test: Name of the test split; null or absent = carved out of the training split.
        text: Name of the column with the text.
        text_pair: Name of the column with a second text, if each example is a pair.
        label: Name of the column with the label.
        labels: All label names in the order of their ids; None = the data set's own order, else sorted.
        validation_fraction: Share of the training rows, if carved.
        test_fraction: Share of the training rows, if carved.
        split_seed: Seed of the carving.
    Raises:
        UserError: If there is no such data set, split or column, or it cannot be reached.
    """
    datasets.disable_progress_bars()
    try:
        loaded = datasets.load_dataset(name, subset, revision=revision)
    except Exception as error:  # the hub's client raises many types, none of them ours
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"data.name={name} cannot be loaded: {reason}; offline, use data=icd10 or data=files"
        ) from error
    columns = {"text": text, "label": label} | ({"text_pair": text_pair} if text_pair else {})
    if train not in loaded:
        raise UserError(f"data.train={train} is no split of {name}; {nearest(train, map(str, loaded))}")
    found: dict[str, Split] = {}
    given = None
    for split, source in (("train", train), ("validation", validation), ("test", test)):
        if source is not None and source in loaded:
            where = f"{name}[{source}]"
            rows, names = as_columns(loaded[source], columns=columns, where=where)
            found[split] = Split(split, where, rows, np.arange(len(rows)))
            given = names if split == "train" else given
    notes = []
    for split, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if split not in found:
            found["train"], found[split] = carve(found["train"], name=split, fraction=fraction, seed=split_seed)
            notes.append(f"{split}: {len(found[split])} rows carved out of {name}[{train}], stratified by label")
    order = tuple(map(label_text, labels)) if labels is not None else given
    return Splits(found["train"], found["validation"], found["test"], label_names=order, notes=tuple(notes))

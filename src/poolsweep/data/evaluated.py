"""The splits of a task that trains nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poolsweep.data.splits import Splits


def all_evaluated(splits: Splits) -> Splits:
    """Splits in which rows that were split off for want of a test file are back: all rows of the file are tested.

    Validation rows without a file of their own are the same rows, too: they can choose nothing that was trained.

    Args:
        splits: Splits as the source has them.
    """
    if splits.test is None or not splits.test.is_split_off:
        return splits
    from datasets import concatenate_datasets

    parts = [splits.train, splits.test, *([splits.validation] if splits.validation.is_split_off else [])]
    row_ids = np.concatenate([part.row_ids for part in parts])
    order = np.argsort(row_ids, kind="stable")
    columns = splits.train.rows.column_names
    rows = concatenate_datasets([part.rows.select_columns(columns) for part in parts]).select(order)
    whole = replace(splits.train, rows=rows, row_ids=row_ids[order])
    validation = replace(whole, name="validation") if splits.validation.is_split_off else splits.validation
    note = f"nothing is trained: all {len(whole):,} rows of {whole.origin} are tested"
    if splits.validation.is_split_off:
        note += ", and validated; data.validation=FILE chooses between settings on others"
    return replace(splits, train=whole, validation=validation, test=replace(whole, name="test"), notes=(note,))

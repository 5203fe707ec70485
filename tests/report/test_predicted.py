"""Predictions as runs leave them, whole or not."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import RunRecord


@pytest.fixture
def write(tmp_path):
    (tmp_path / "labels.json").write_text(json.dumps({"no": 0, "yes": 1}))

    def written(**columns) -> RunRecord:
        table = {"row_id": [7, 3], "label": ["yes", "no"], "predicted": ["no", "no"],
                 "probabilities": [[0.75, 0.25], [0.5, 0.5]]} | columns  # fmt: skip
        table = {name: values for name, values in table.items() if values is not None}
        pq.write_table(pa.table(table), tmp_path / "predictions-test.parquet")
        return RunRecord(tmp_path, {"status": "finished", "task": "classification"})

    return written


def test_rows_come_in_order_as_label_ids(write):
    found = read_predictions(write(tokens=[9, 4], truncated=[True, False]), outputs=True)
    assert found is not None
    assert found.outputs is not None
    assert found.tokens is not None
    assert found.truncated is not None
    assert found.names == ("no", "yes")
    assert found.row_ids.tolist() == [3, 7]
    assert (found.targets.tolist(), found.predicted.tolist()) == ([0, 1], [0, 0])
    assert found.outputs.tolist() == [[0.5, 0.5], [0.75, 0.25]]
    assert (found.tokens.tolist(), found.truncated.tolist()) == ([4, 9], [False, True])


def test_what_was_not_recorded_or_asked_for_is_none(write):
    found = read_predictions(write())
    assert found is not None
    assert (found.outputs, found.tokens, found.truncated) == (None, None, None)


@pytest.mark.parametrize(
    "columns",
    [
        {"row_id": [3, 3]}, {"label": ["yes", "other"]}, {"predicted": None}, {"label": None},
        {"row_id": pa.array([], pa.int64()), "label": pa.array([], pa.string()),
         "predicted": pa.array([], pa.string()), "probabilities": None},
    ],
)  # fmt: skip
def test_predictions_that_are_not_whole_are_none(write, columns):
    assert read_predictions(write(**columns)) is None


def test_a_damaged_or_missing_file_is_none(write, tmp_path):
    run = write()
    (tmp_path / "predictions-test.parquet").write_bytes(b"PAR1 and no more")
    assert read_predictions(run) is None
    (tmp_path / "predictions-test.parquet").unlink()
    assert read_predictions(run) is None


def test_the_fingerprint_tells_rows_and_labels_not_predictions(write):
    first = read_predictions(write())
    same = read_predictions(write(row_id=[3, 7], label=["no", "yes"], predicted=["yes", "yes"]))
    other = read_predictions(write(row_id=[8, 3]))
    relabelled = read_predictions(write(label=["no", "no"]))
    assert first is not None
    assert same is not None
    assert other is not None
    assert relabelled is not None
    assert first.rows_hash == same.rows_hash
    assert len({first.rows_hash, other.rows_hash, relabelled.rows_hash}) == 3
    assert np.array_equal(first.row_ids, same.row_ids)


def test_what_runs_share_is_held_once(write):
    first = read_predictions(write(tokens=[9, 4]))
    same = read_predictions(write(row_id=[3, 7], label=["no", "yes"], predicted=["yes", "yes"], tokens=[5, 9]))
    assert first is not None
    assert same is not None
    assert first.row_ids is same.row_ids
    assert first.targets is same.targets
    assert first.tokens is not same.tokens, "other content"
    with pytest.raises(ValueError, match="read-only"):
        first.targets[0] = 1

"""What is written of every example."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import torch

from poolsweep.data.batch import Batch
from poolsweep.data.tokenise import TokenisedTexts
from poolsweep.model.predictions import Predictions
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels


def test_lengths_and_cuts_go_with_their_rows_and_the_report_reads_them(tmp_path):
    collected = Predictions(Classification(), Labels(("no", "yes")))
    for rows, labels in (([4, 9], [0, 1]), ([2], [1])):
        batch = Batch(targets=torch.tensor(labels), row_ids=torch.tensor(rows), mask=torch.ones(len(rows), 1).bool())
        collected.add(batch, torch.tensor([[1.0, 0.0]] * len(rows)))
    starts = np.array([0, 30, 32, 35])
    texts = TokenisedTexts(
        np.array([9, 2, 4]), np.zeros(35, np.int32), None, np.zeros(35, bool), starts, np.array([True, False, False])
    )
    path = tmp_path / "predictions-test.parquet"
    collected.write(path, texts=texts)
    table = pq.read_table(path)
    assert table.column("row_id").to_pylist() == [2, 4, 9]
    assert table.column("tokens").to_pylist() == [2, 3, 30]
    assert table.column("truncated").to_pylist() == [False, False, True]
    (tmp_path / "labels.json").write_text(json.dumps({"no": 0, "yes": 1}))
    found = read_predictions(RunRecord(tmp_path, {"status": "finished", "task": "classification"}))
    assert found is not None
    assert found.tokens is not None
    assert found.tokens.tolist() == [2, 3, 30]
    collected.write(path)
    assert pq.read_table(path).column_names == ["row_id", "label", "predicted", "probabilities"]

"""Batches: padded to their own longest text, shuffled in training alone, and no row lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from read_files import read_files

from poolsweep.data.datamodule import DataModule
from poolsweep.data.reading import Reading
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import tokenise
from poolsweep.encoder.tiny import tiny


def module_of(path: Path) -> DataModule:
    splits, labels = read_files(path)
    tokenizer = tiny().tokenizer
    rows = {
        split.name: TokenRows(
            tokenise(split, tokenizer=tokenizer, reading=Reading(16)), targets=labels.encode(split.column("label")),
            pad_token_id=tokenizer.pad_token_id,
        )
        for split in splits
    }  # fmt: skip
    return DataModule(rows, batch_size=16, eval_batch_size=4, data_seed=0)


@pytest.fixture
def module(animals) -> DataModule:
    return module_of(animals)


def test_batches_of_a_file_sorted_by_label_mix_the_labels(tmp_path, write_csv, animal_rows):
    ordered = sorted(animal_rows, key=lambda row: row[1])
    module = module_of(write_csv(tmp_path / "sorted.csv", ordered))
    labels = [int(label) for label in module.rows["train"].__getitems__(range(51)).targets]
    assert labels == sorted(labels), "premise: the rows come label by label"
    batches = [batch.targets.unique().tolist() for batch in module.train_dataloader() if len(batch) == 16]
    assert batches == [[0, 1, 2]] * 3


def row_ids(loader, *, epoch: int = 0) -> list[int]:
    order = getattr(loader.batch_sampler, "sampler", None)
    if order is not None:
        order.set_epoch(epoch)
    return [int(i) for batch in loader for i in batch.row_ids]


def test_training_rows_come_once_in_another_order_each_epoch(module):
    loader = module.train_dataloader()
    first, second = row_ids(loader), row_ids(loader, epoch=1)
    assert sorted(first) == sorted(second) == sorted(module.rows["train"].row_ids.tolist())
    assert first != second != sorted(first)
    assert [len(batch) for batch in loader] == [16, 16, 16, 3], "an uneven last batch is kept"
    module.data_seed = 1
    assert row_ids(module.train_dataloader()) != first


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_rows_come_in_file_order_and_none_is_lost(module, split: str):
    loader = module.val_dataloader() if split == "validation" else module.test_dataloader()
    expected = module.rows[split].row_ids.tolist()
    assert expected == sorted(expected)
    assert row_ids(loader) == row_ids(loader, epoch=1) == expected
    assert [len(batch) for batch in loader] == [4, 2], "premise: the last batch is uneven"


def test_batches_are_padded_to_their_own_longest_text(module):
    widths = set()
    for batch in module.train_dataloader():
        lengths = batch.mask.sum(dim=1)
        assert batch.mask.shape == batch.input_ids.shape == batch.token_type_ids.shape
        assert batch.input_ids.shape[1] == int(lengths.max())
        assert (batch.mask == (torch.arange(batch.mask.shape[1]) < lengths[:, None])).all(), "padding on the right"
        assert not batch.input_ids[~batch.mask].any()
        widths.add(batch.mask.shape[1])
    assert max(widths) <= 16


def test_batches_by_tokens_are_within_them_and_resume_where_they_were(module):
    module.max_tokens = 64
    found = list(module.train_dataloader())
    rows = [int(i) for batch in found for i in batch.row_ids]
    assert sorted(rows) == sorted(module.rows["train"].row_ids.tolist())
    assert max(int(batch.mask.sum()) for batch in found) <= 64
    module.position = (0, 2)
    assert [int(i) for batch in module.train_dataloader() for i in batch.row_ids] == rows[-sum(map(len, found[2:])) :]


def test_workers_give_the_same_batches(module):
    here = row_ids(module.val_dataloader())
    module.num_workers = 1
    assert row_ids(module.val_dataloader()) == here

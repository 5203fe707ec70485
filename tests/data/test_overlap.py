"""Texts that stand in several given files: counted, dropped or refused; never dropped from test."""

from __future__ import annotations

from pathlib import Path

import pytest

from poolsweep.data.overlap import overlap_cautions, without_overlap
from poolsweep.data.sources.files import Files
from poolsweep.data.splits import Splits
from poolsweep.errors import UserError

TRAIN = ["one", "two", "Three ", "four", "five", "six"]
VALIDATION = ["seven", "FOUR", "eight", "TWO"]
TEST = ["nine", "three", "two", "eight", "ten"]


@pytest.fixture
def read(tmp_path: Path, write_csv):
    def read(**other: list[str]) -> Splits:
        texts = {"train": TRAIN, "validation": VALIDATION, "test": TEST} | other
        paths = {}
        for name, column in texts.items():
            rows = [(text, "ab"[i % 2]) for i, text in enumerate(column)]
            paths[name] = str(write_csv(tmp_path / f"{name}.csv", rows))
        return Files(**paths).read()

    return read


def test_it_is_counted(read):
    said = list(overlap_cautions(read()))
    assert [one.partition(" (")[0] for one in said] == [
        "3 of the 5 test texts stand in training or validation too",
        "2 of the 4 validation texts stand in training too",
    ]


def test_dropped_from_training_and_validation_but_not_from_test(read):
    splits = read()
    found = without_overlap(splits, "drop")
    assert found.train.column("text").to_pylist() == ["one", "five", "six"]
    assert found.train.row_ids.tolist() == [0, 4, 5]
    assert found.validation.column("text").to_pylist() == ["seven", "FOUR"]
    assert found.test is splits.test
    assert list(overlap_cautions(found)) == []
    assert found.notes == (
        "data.overlap=drop: 3 of the 6 train rows are left out: their texts stand in validation or test",
        "data.overlap=drop: 2 of the 4 validation rows are left out: their texts stand in test",
    )
    assert found.content_id == splits.content_id


def test_refused_with_counts_files_and_rows(read, tmp_path):
    with pytest.raises(UserError) as error:
        without_overlap(read(), "refuse")
    first, second = error.value.problems
    assert first.startswith(
        "data.overlap=refuse: 3 of the 5 test texts stand in training or validation too: "
        f"{tmp_path / 'test.csv'}, rows 2, 3 and 4 ("
    )
    assert f"{tmp_path / 'validation.csv'}, rows 2 and 4 (" in second


def test_without_overlap_nothing_is_done(read):
    splits = read(train=["p", "q"], validation=["r", "s"], test=["t", "u"])
    for way in ("warn", "drop", "refuse"):
        found = without_overlap(splits, way)
        assert [len(split) for split in found] == [2, 2, 2]
        assert found.notes == ()


def test_what_was_split_off_shares_nothing(tmp_path, write_csv):
    rows = [(f"text {i % 50}", "ab"[i % 2]) for i in range(200)]
    splits = Files(train=str(write_csv(tmp_path / "f.csv", rows))).read()
    found = without_overlap(splits, "drop")
    assert [len(split) for split in found] == [len(split) for split in splits]


def test_in_a_run_and_its_report(cli, tmp_path, write_csv, outputs):
    rows = [(f"{'ab'[i % 2]} {i}", "ab"[i % 2]) for i in range(40)]
    files = {"train": rows, "test": [*rows[:3], *((f"a new {i}", "a") for i in range(5))]}
    typed = [f"data.{name}={write_csv(tmp_path / f'{name}.csv', content)}" for name, content in files.items()]
    fixed = ["train", "-m", "data=files", *typed, "encoder=tiny", "encoder.frozen=true", "trainer=probe"]
    warned = cli(*fixed, "study=warn")
    assert warned.status == 0, warned.err
    assert "3 of the 8 test texts stand in training or validation too" in warned.err
    assert "3 of the 8 test texts stand in training or validation too" in cli("report", "warn").out
    dropped = cli(*fixed, "data.overlap=drop", "study=drop")
    assert "of the 36 train rows are left out" in dropped.err
    assert "3 of the 8" not in cli("report", "drop").out
    refused = cli(*fixed, "data.overlap=refuse", "study=refuse")
    assert refused.status == 2
    assert len(refused.problems) == 1
    assert not (outputs / "refuse").exists()

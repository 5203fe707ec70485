"""Every problem of a data set, named by file and row counted from 1."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset, Features, Value

from poolsweep.data.checks import check, rows_in_words
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError
from poolsweep.tasks import Classification

GOOD = (["one", "two", "three"], ["a", "b", "a"])


def split(name: str, texts: list, labels: list, *, row_ids: list[int] | None = None) -> Split:
    features = Features({"text": Value("string"), "label": Value("string")})
    rows = Dataset.from_dict({"text": texts, "label": labels}, features=features)
    return Split(name, f"{name}.csv", rows, np.arange(len(texts)) if row_ids is None else np.array(row_ids))


def splits(train: tuple = GOOD, validation: tuple = GOOD, test: tuple = GOOD, **options) -> Splits:
    return Splits(split("train", *train), split("validation", *validation), split("test", *test), **options)


def problems(data: Splits) -> list[str]:
    with pytest.raises(UserError) as error:
        check(data, Classification())
    return list(error.value.problems)


def test_labels_come_from_training_sorted():
    assert check(splits(), Classification()).names == ("a", "b")


def test_given_label_names_keep_their_order():
    assert check(splits(label_names=("c", "b", "a")), Classification()).names == ("c", "b", "a")


def test_a_label_name_given_twice():
    assert problems(splits(label_names=("a", "b", "b"))) == ["data.labels has 'b' more than once"]


def test_empty_split():
    assert problems(splits(test=([], []))) == ["test.csv: the test split has no rows"]


def test_a_split_for_which_too_few_rows_were_left():
    data = splits()
    empty = Split("test", "train.csv (test split off)", data.test.rows.select([]), np.arange(0), is_split_off=True)
    assert problems(Splits(data.train, data.validation, empty)) == [
        "train.csv (test split off): the test split has no rows; give data.test=… or more rows of each label"
    ]


def test_empty_null_and_blank_texts_and_labels():
    train = (["x", "", None, " \t", "y", "z"], ["a", "b", "a", "b", None, " "])
    assert problems(splits(train=train)) == [
        "train.csv: empty text in rows 2, 3 and 4",
        "train.csv: empty label in rows 5 and 6",
    ]


def test_row_numbers_are_those_of_the_file_a_split_was_taken_from():
    data = splits()
    taken = split("validation", ["x", ""], ["a", "b"], row_ids=[7, 41])
    assert problems(Splits(data.train, taken, data.test)) == ["validation.csv: empty text in row 42"]


def test_label_seen_only_in_validation_or_test():
    data = splits(validation=(["x", "y"], ["a", "B"]), test=(["x", "y", "z", "w", "v"], ["q", "a", "q", "q", "q"]))
    assert problems(data) == [
        "validation.csv: label 'B' in row 2 is not in train.csv; did you mean b?",
        "test.csv: label 'q' in rows 1, 3, 4 and 1 more is not in train.csv; valid: a, b",
    ]


def test_a_training_label_that_was_not_given():
    assert problems(splits(label_names=("a", "c")))[0] == (
        "validation.csv: label 'b' in row 2 is not in train.csv; valid: a, c"
    )
    assert "train.csv: label 'b' in row 2 is not in the given label names; valid: a, c" in problems(
        splits(label_names=("a", "c"))
    )


def test_a_single_class():
    one = (["x", "y"], ["a", "a"])
    assert problems(splits(one, one, one)) == ["train.csv: training needs at least two labels, found one: a"]


def test_all_problems_come_at_once():
    found = problems(splits(train=(["x", ""], ["a", "b"]), validation=([], []), test=(["x"], ["c"])))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("rows", "words"),
    [([0], "row 1"), ([0, 1], "rows 1 and 2"), (range(5), "rows 1, 2, 3, 4 and 5"),
     (range(7), "rows 1, 2, 3, 4, 5 and 2 more")],
)  # fmt: skip
def test_rows_in_words(rows, words: str):
    assert rows_in_words(np.array(rows)) == words

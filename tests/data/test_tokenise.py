"""Tokenisation: cut texts are counted, and what was done before is read from the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from poolsweep.build import load_data
from poolsweep.data.tokenise import tokenise, tokenizer_hash
from poolsweep.encoder.tiny import tiny


def test_truncation_is_counted_and_the_cache_is_read(animals, monkeypatch):
    splits, _ = load_data({"_target_": "poolsweep.data.sources.files.files", "train": str(animals)})
    tokenizer = tiny().tokenizer
    texts = splits.train.column("text").to_pylist()
    cut = [len(tokenizer(text)["input_ids"]) > 12 for text in texts]
    assert 0 < sum(cut) < len(cut), "premise: some are cut"
    first = tokenise(splits.train, tokenizer=tokenizer, max_length=12)
    assert first.truncated_share == pytest.approx(sum(cut) / len(cut))
    assert first.lengths.max() == 12
    monkeypatch.setattr("poolsweep.data.tokenise._Encode.__call__", lambda *_: pytest.fail("tokenised again"))
    again = tokenise(splits.train, tokenizer=tokenizer, max_length=12)
    assert (again.ids == first.ids).all()
    assert (again.starts == first.starts).all()
    assert again.truncated_share == first.truncated_share


def test_using_a_tokenizer_does_not_change_its_hash():
    used, fresh = tiny().tokenizer, tiny().tokenizer
    used(["a b c"], truncation=True, max_length=3, padding="max_length")
    assert tokenizer_hash(used) == tokenizer_hash(fresh)


def test_another_vocabulary_or_normaliser_changes_the_hash():
    from tokenizers.normalizers import Lowercase

    other, larger = tiny().tokenizer, tiny().tokenizer
    other.backend_tokenizer.normalizer = Lowercase()
    larger.add_tokens(["word"])
    assert len({tokenizer_hash(t) for t in (tiny().tokenizer, other, larger)}) == 3


def test_pairs_are_one_input_with_two_segments(tmp_path, write_csv):
    rows = [("ab", "cd", "x"), ("e", "fgh", "y")]
    path = write_csv(tmp_path / "pairs.csv", rows, header=("text", "other", "label"))
    splits, _ = load_data({
        "_target_": "poolsweep.data.sources.files.files", "train": str(path), "validation": str(path),
        "test": str(path), "text_pair": "other",
    })  # fmt: skip
    tokenizer = tiny().tokenizer
    found = tokenise(splits.train, tokenizer=tokenizer, max_length=16)
    assert found.types is not None
    for i, (first, second, _) in enumerate(rows):
        place, expected = slice(found.starts[i], found.starts[i + 1]), tokenizer(first, second)
        assert found.ids[place].tolist() == expected["input_ids"]
        assert found.types[place].tolist() == expected["token_type_ids"]
        assert 1 in found.types[place]


def test_a_damaged_cache_is_made_anew(animals):
    splits, _ = load_data({"_target_": "poolsweep.data.sources.files.files", "train": str(animals)})
    tokenizer = tiny().tokenizer
    first = tokenise(splits.train, tokenizer=tokenizer, max_length=14)
    expected, path = first.ids.tolist(), Path(first.ids.filename)
    for damage in (lambda: path.write_bytes(path.read_bytes()[:-4]), (path.parent / "about.json").unlink):
        damage()
        assert tokenise(splits.train, tokenizer=tokenizer, max_length=14).ids.tolist() == expected
    assert not list(path.parent.parent.glob(".making-*")), "nothing temporary stays"

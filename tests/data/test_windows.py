"""Windows of long texts against those of the tokenizers library, and what a batch knows of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poolsweep.data.reading import Cut, Reading
from poolsweep.data.text_reader import reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import TokenisedTexts, tokenise_at_once
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError

LOADED = tiny()
TOKENIZER = LOADED.tokenizer
TEXTS = ["ab", "the cat sat on a mat, purring", "abcdef", "abcdefg", "q" * 40, "x y z"]
LENGTH = 8  # six tokens of a text


def read(cut: Cut, texts: list[str] = TEXTS, template: str | None = None) -> TokenisedTexts:
    return tokenise_at_once(reader(TOKENIZER, Reading(LENGTH, template, cut=cut), pair=False), texts, None)


def inputs_of(texts: TokenisedTexts) -> list[list[int]]:
    return [texts.ids[a:b].tolist() for a, b in zip(texts.starts[:-1], texts.starts[1:], strict=True)]


@pytest.mark.parametrize("stride", [None, 6, 4, 1])
def test_windows_are_those_that_tokenizers_gives(stride):
    found = read(Cut("windows", stride=stride))
    expected = TOKENIZER(
        TEXTS, truncation=True, max_length=LENGTH, stride=6 - (stride or 6), return_overflowing_tokens=True
    )
    assert inputs_of(found) == expected["input_ids"]
    assert found.windows.tolist() == np.bincount(expected["overflow_to_sample_mapping"]).tolist()
    assert not found.truncated.any()
    whole = TOKENIZER(TEXTS)["input_ids"]
    for text, ids in enumerate(whole):
        windows = range(found.first[text], found.first[text + 1])
        kept = [found.ids[i] for w in windows for i in range(*found.starts[w : w + 2]) if not found.repeated[i]]
        assert kept == ids, "without what is repeated the windows are the text, each token once"
        assert sum(found.added[w] for w in windows) == len(ids)


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        (Cut("tail"), lambda body: body[-6:]),
        (Cut("head_tail", head_tokens=2), lambda body: body if len(body) <= 6 else body[:2] + body[-4:]),
    ],
)
def test_other_ends_are_kept(cut, kept):
    found, whole = read(cut), TOKENIZER(TEXTS)["input_ids"]
    assert inputs_of(found) == [[ids[0], *kept(ids[1:-1]), ids[-1]] for ids in whole]
    assert found.truncated.tolist() == [len(ids) > LENGTH for ids in whole]
    assert found.first is None


@pytest.mark.parametrize("cut", [Cut("windows"), Cut("windows", stride=2), Cut("tail"), Cut("head_tail", 1)])
def test_a_text_that_fits_has_the_ids_of_today(cut):
    short = [text for text in TEXTS if len(TOKENIZER(text)["input_ids"]) <= LENGTH]
    assert 2 < len(short) < len(TEXTS), "premise"
    found, today = read(cut, short), read(Cut(), short)
    for name in ("ids", "types", "special", "starts", "truncated"):
        assert np.array_equal(getattr(found, name), getattr(today, name)), name


def test_each_window_stands_in_the_template():
    found = read(Cut("windows", stride=3), ["abcdefgh"], template="a {text} [MASK]")
    assert [" ".join(TOKENIZER.convert_ids_to_tokens(ids)) for ids in inputs_of(found)] == [
        "[CLS] a a ##b ##c ##d [MASK] [SEP]", "[CLS] a ##d ##e ##f ##g [MASK] [SEP]", "[CLS] a ##g ##h [MASK] [SEP]",
    ]  # fmt: skip


def test_what_would_lose_tokens_is_refused_in_one_line():
    with pytest.raises(UserError, match=r"^data.stride must be at most the 6 tokens .* got 7: tokens between windows"):
        read(Cut("windows", stride=7))
    with pytest.raises(UserError, match=r"^pooling.chunks.head_tokens must be below the 6 tokens .* got 6"):
        read(Cut("head_tail", head_tokens=6))


def batch_of(rows: list[int]):
    return rows_for(LOADED, read(Cut("windows", stride=4)), context={"special"}).__getitems__(rows)


def test_a_batch_knows_its_windows():
    batch = batch_of([2, 1, 0])
    assert batch.windows is not None
    assert batch.windows.mask.sum(dim=1).tolist() == [1, 6, 1]
    assert batch.tokens.tolist() == rows_for(LOADED, read(Cut("windows", stride=4))).lengths[[2, 1, 0]].tolist()
    assert batch.windows.tokens.sum(dim=1).tolist() == [len(TOKENIZER(TEXTS[i])["input_ids"]) for i in (2, 1, 0)]


def same(one, other) -> None:
    for name in ("input_ids", "mask", "token_type_ids", "special", "row_ids"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    for name in ("places", "tokens", "repeated"):
        assert torch.equal(getattr(one.windows, name), getattr(other.windows, name)), f"windows.{name}"


@pytest.mark.parametrize("rows", [[1], [2, 0], [3, 1], [5]])
def test_a_part_of_a_batch_is_the_batch_of_these_rows(rows):
    same(batch_of(list(range(6))).select(torch.tensor(rows)), batch_of(rows))


def test_two_towers_have_windows_each():
    batch = batch_of([0, 4]).beside(batch_of([1, 2]), fill=0)
    assert (len(batch), len(batch.windows.places)) == (2, 4)
    assert batch.windows.repeated.shape == batch.mask.shape
    alone = batch_of([4, 2])
    part = batch.select(torch.tensor([1]))
    assert torch.equal(part.input_ids, alone.input_ids)
    assert torch.equal(part.windows.places, alone.windows.places)
    assert batch.tokens.tolist() == (batch_of([0, 4]).tokens + batch_of([1, 2]).tokens).tolist()


@pytest.mark.parametrize("pooled", [True, False])
def test_each_window_begins_with_the_prefix(pooled):
    reading = Reading(LENGTH, None, "q: ", None, pooled, Cut("windows", stride=3))
    found = tokenise_at_once(reader(TOKENIZER, reading, pair=False), ["abcdefgh", "ab"], None)
    assert [" ".join(TOKENIZER.convert_ids_to_tokens(ids)) for ids in inputs_of(found)] == [
        "[CLS] q : a ##b ##c ##d [SEP]", "[CLS] q : ##d ##e ##f ##g [SEP]", "[CLS] q : ##g ##h [SEP]",
        "[CLS] q : a ##b [SEP]",
    ]  # fmt: skip
    assert found.added.tolist() == [7, 3, 2, 6], "the prefix counts once"
    if pooled:
        assert found.prefix is None
    else:  # as sentence-transformers counts them, with [CLS]
        assert [
            found.prefix[a:b].nonzero()[0].tolist() for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)
        ] == [[0, 1, 2]] * 4


def test_a_prefix_in_a_template_is_refused_in_windows():
    with pytest.raises(UserError, match=r"^encoder\.prefix in a template stands before the head of a text alone"):
        reader(TOKENIZER, Reading(LENGTH, "a {text} [MASK]", "q: ", None, True, Cut("windows")), pair=False)

"""Texts in a template: the template stays whole, and its [MASK] is the only one."""

from __future__ import annotations

import pytest

from poolsweep.data.text_reader import TemplatedTexts
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError

TEMPLATE = 'a "{text}" is [MASK] .'


def encode(texts: list[str], *, max_length: int) -> tuple[list[list[str]], list[bool]]:
    tokenizer = tiny().tokenizer
    found = TemplatedTexts(tokenizer, template=TEMPLATE, max_length=max_length, typed=True)({"text": texts})
    assert [len(row) for row in found["token_type_ids"]] == [len(row) for row in found["input_ids"]]
    return [tokenizer.convert_ids_to_tokens(row) for row in found["input_ids"]], found["truncated"]


def test_a_text_that_fits_is_what_the_tokenizer_gives_for_the_filled_template():
    (tokens,), truncated = encode(["cat"], max_length=32)
    tokenizer = tiny().tokenizer
    whole = tokenizer(TEMPLATE.replace("{text}", "cat"))["input_ids"]
    assert tokens == tokenizer.convert_ids_to_tokens(whole)
    assert truncated == [False]


def test_a_long_text_is_cut_and_the_template_is_not():
    (tokens,), truncated = encode(["cats and dogs and birds"], max_length=14)
    assert len(tokens) == 14
    assert truncated == [True]
    assert tokens[-6:] == ['"', "i", "##s", "[MASK]", ".", "[SEP]"]


def test_a_mask_token_in_the_text_is_not_the_templates():
    (tokens,), _ = encode(["a [MASK] cat"], max_length=32)
    assert tokens.count("[MASK]") == 1
    assert tokens.index("[MASK]") == len(tokens) - 3


def test_a_template_longer_than_the_limit_is_refused():
    with pytest.raises(UserError, match=r"data\.max_length must be above the template's own"):
        encode(["cat"], max_length=6)

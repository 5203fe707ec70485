"""Texts in a template: the template stays whole, its place is known, and it reads as one text would."""

from __future__ import annotations

import pytest
from family_tokenizers import byte_level, unigram
from transformers import PreTrainedTokenizerBase

from poolsweep.data.reading import Cut
from poolsweep.data.template import TemplateTokens
from poolsweep.data.text_reader import TemplatedTexts
from poolsweep.encoder.tiny import tiny
from poolsweep.errors import UserError

TEMPLATE = 'a "{text}" is [MASK] .'
ECHO = "a b: {text}, a c: {text}"
MAKERS = {"WordPiece": lambda: tiny().tokenizer, "BPE": byte_level, "Unigram": unigram}


def read(tokenizer: PreTrainedTokenizerBase, texts: list[str], *, template: str = TEMPLATE, max_length: int = 128):
    found = TemplatedTexts(tokenizer, template=template, max_length=max_length, typed=True, cut=Cut())({"text": texts})
    for column in ("token_type_ids", "special", "template"):
        assert [len(row) for row in found[column]] == [len(row) for row in found["input_ids"]]
    return found


def encode(texts: list[str], *, max_length: int) -> tuple[list[list[str]], list[bool]]:
    tokenizer = tiny().tokenizer
    found = read(tokenizer, texts, max_length=max_length)
    return [tokenizer.convert_ids_to_tokens(row) for row in found["input_ids"]], found["truncated"]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("template", [TEMPLATE, ECHO, "{text} ab: {text} c", "abc: [MASK] {text}"])
def test_a_text_that_fits_is_what_the_tokenizer_gives_for_the_filled_template(kind: str, template: str):
    tokenizer = MAKERS[kind]()
    found = read(tokenizer, ["bad cab"], template=template)
    whole = template.replace("{text}", "bad cab").replace("[MASK]", tokenizer.mask_token)
    expected = tokenizer(whole, return_special_tokens_mask=True)
    names = tokenizer.convert_ids_to_tokens(found["input_ids"][0])
    if kind == "Unigram" and template == TEMPLATE:  # it puts a space before a text that stands alone
        names.pop(names.index("<unk>") + 1)
    assert names == tokenizer.convert_ids_to_tokens(expected["input_ids"])
    assert found["truncated"] == [False]


def test_a_long_text_is_cut_and_the_template_is_not():
    (tokens,), truncated = encode(["cats and dogs and birds"], max_length=14)
    assert len(tokens) == 14
    assert truncated == [True]
    assert tokens[-6:] == ['"', "i", "##s", "[MASK]", ".", "[SEP]"]


def test_both_copies_of_a_long_text_are_cut_alike():
    tokenizer = tiny().tokenizer
    found = read(tokenizer, ["abcdefghijklmnop", "ab", ""], template=ECHO, max_length=24)
    long, short, empty = (tokenizer.convert_ids_to_tokens(row) for row in found["input_ids"])
    assert len(long) in {23, 24}
    assert long.count("##d") == short.count("##b") == 2
    places = [[i for i, is_read in enumerate(row) if is_read] for row in found["template"]]
    assert [[row[i] for i in where] for row, where in zip((long, short, empty), places, strict=True)] == [
        long[-1 - len(places[0]) : -1], ["a", "##b"], [],
    ]  # fmt: skip
    assert found["truncated"] == [True, False, False]


@pytest.mark.parametrize("template", [TEMPLATE, '[MASK] : "{text}"'])
def test_a_mask_token_in_the_text_is_not_the_templates(template: str):
    tokenizer = tiny().tokenizer
    found = read(tokenizer, ["a [MASK] cat"], template=template)
    (tokens,), (places,) = [tokenizer.convert_ids_to_tokens(row) for row in found["input_ids"]], found["template"]
    assert tokens.count("[MASK]") == 2
    assert places.index(True) == (1 if template[0] == "[" else len(tokens) - 3)
    assert sum(places) == 1
    side, number = TemplateTokens.of(tokenizer, template).mask_place
    assert places.index(True) == (number - 1 if side == "place" else len(tokens) - number)


def test_a_template_longer_than_the_limit_is_refused():
    with pytest.raises(UserError, match=r"data\.max_length must be above the template's own"):
        encode(["cat"], max_length=6)


def test_a_mask_that_the_tokenizer_lacks_is_refused():
    tokenizer = tiny().tokenizer
    tokenizer.mask_token = None
    with pytest.raises(UserError, match="the tokenizer has no mask token for the template"):
        read(tokenizer, ["cat"])

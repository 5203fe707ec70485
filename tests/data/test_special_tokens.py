"""Special tokens are those that the tokenizer added, whatever stands in the text."""

from __future__ import annotations

import pytest
from family_tokenizers import byte_level, unigram
from tokenizers import processors
from transformers import ByT5Tokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import reader
from poolsweep.encoder.tiny import tiny


def unmarked() -> PreTrainedTokenizerFast:
    """Adds tokens that it does not call special."""
    tokenizer = byte_level()
    inner = tokenizer.backend_tokenizer
    inner.post_processor = processors.TemplateProcessing(single="! $A", pair="! $A ! $B", special_tokens=[("!", 5)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", pad_token="<pad>")


MAKERS = {
    "WordPiece": lambda: tiny().tokenizer, "BPE": byte_level, "Unigram": unigram, "unmarked": unmarked,
    "bytes, in Python": ByT5Tokenizer,
}  # fmt: skip


def masks(tokenizer: PreTrainedTokenizerBase, texts: list[str], pairs: list[str] | None, *, max_length: int) -> list:
    columns = {"text": texts} | ({} if pairs is None else {"text_pair": pairs})
    return reader(tokenizer, Reading(max_length), pair=pairs is not None)(columns)["special"]


@pytest.mark.parametrize("max_length", [6, 64])
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("kind", MAKERS)
def test_special_is_what_the_tokenizer_says_it_added(kind: str, paired: bool, max_length: int):
    tokenizer = MAKERS[kind]()
    inside = [str(t) for t in (tokenizer.cls_token, tokenizer.sep_token, tokenizer.mask_token) if t is not None]
    texts = ["abc", "a ☺ b", "", " ".join(["c", *inside, "d"]), "a b c d e f a b c d e f", *inside]
    pairs = [texts[(i + 1) % len(texts)] or "f" for i in range(len(texts))] if paired else None
    expected = []
    for i, text in enumerate(texts):
        one = tokenizer(
            text, None if pairs is None else pairs[i], truncation=True, max_length=max_length,
            return_special_tokens_mask=True,
        )  # fmt: skip
        expected.append(list(map(bool, one["special_tokens_mask"])))
        assert len(expected[-1]) == len(one["input_ids"])
    assert masks(tokenizer, texts, pairs, max_length=max_length) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("WordPiece", ["[CLS]", "[SEP]", "[SEP]"]),
        ("BPE", ["<s>", "</s>", "</s>", "</s>"]),
        ("Unigram", ["<sep>", "<sep>", "<cls>"]),
    ],
)
def test_by_hand(kind: str, expected: list[str]):
    tokenizer = MAKERS[kind]()
    [mask] = masks(tokenizer, [f"a {tokenizer.mask_token} ☺"], ["b"], max_length=64)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(f"a {tokenizer.mask_token} ☺", "b")["input_ids"])
    assert [token for token, is_special in zip(tokens, mask, strict=True) if is_special] == expected
    assert tokenizer.mask_token in tokens, "premise: it is in the text"


def test_of_a_template_the_words_count_and_its_mask_does():
    tokenizer = tiny().tokenizer
    made = reader(tokenizer, Reading(32, "it : {text} is [MASK] ."), pair=False)({"text": ["a ☺", "b"]})
    for ids, mask in zip(made["input_ids"], made["special"], strict=True):
        tokens = tokenizer.convert_ids_to_tokens(ids)
        assert [i for i, is_special in enumerate(mask) if is_special] == [0, len(tokens) - 1]
        assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
        assert "[MASK]" in tokens
    assert "[UNK]" in tokenizer.convert_ids_to_tokens(made["input_ids"][0]), "premise: a word without a token"

"""What turns columns of texts into columns of token ids: single texts, pairs, or texts in a template.

The readers are classes, so that worker processes can receive them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat

from transformers import PreTrainedTokenizerBase

from poolsweep.data.reading import Cut, Reading
from poolsweep.data.special_tokens import SpecialTokens
from poolsweep.data.template import TemplateTokens
from poolsweep.data.windows import Span, WindowColumns, inputs_of, require_fits, spans
from poolsweep.errors import UserError

TextReader = Callable[[dict[str, list[str]]], dict[str, list]]


def reader(tokenizer: PreTrainedTokenizerBase, reading: Reading, *, pair: bool) -> TextReader:
    """What turns columns of texts into columns of token ids.

    Args:
        tokenizer: The encoder's own.
        reading: How texts are read.
        pair: Whether there is a column ``text_pair`` beside ``text``.
    Raises:
        UserError: If the template or the cut does not fit the longest input, or a template has a prefix in windows.
    """
    typed = "token_type_ids" in tokenizer.model_input_names
    if reading.template is not None and reading.prefix and reading.cut.keep != "head":
        raise UserError(
            "encoder.prefix in a template stands before the head of a text alone: pooling/chunks=truncate, or no prefix"
        )
    if reading.template is not None:
        read = TemplatedTexts(
            tokenizer, template=reading.template, max_length=reading.max_length, typed=typed, cut=reading.cut
        )
    elif reading.cut.keep != "head":
        read = CutTexts(tokenizer, reading=reading, typed=typed)
    else:
        read = PlainTexts(tokenizer, max_length=reading.max_length, typed=typed, pair=pair)
    return PrefixedTexts(read, tokenizer, reading) if reading.prefix else read


class PlainTexts:
    """Tokenises a batch of rows, single texts or pairs."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, max_length: int, typed: bool, pair: bool) -> None:
        self.tokenizer, self.max_length, self.typed, self.pair = tokenizer, max_length, typed, pair
        self.special = SpecialTokens(tokenizer, pair=pair)

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        """The token ids of each row of ``batch``, and whether its text was cut."""
        encoded = self.tokenizer(
            batch["text"],
            batch["text_pair"] if self.pair else None,
            truncation=True,
            max_length=self.max_length,
            return_attention_mask=False,
            return_token_type_ids=self.typed,
            return_special_tokens_mask=self.special.asks_for_mask,
        )
        result = dict(encoded)
        result["special"] = self.special.masks(encoded)
        result.pop("special_tokens_mask", None)
        if encoded.encodings is not None:
            result["truncated"] = [bool(one.overflowing) for one in encoded.encodings]
        else:  # a tokenizer without a Rust backend does not say what it cut
            result["truncated"] = [len(ids) >= self.max_length for ids in encoded["input_ids"]]
        return result


class CutTexts:
    """Tokenises a batch of rows whole and cuts the tokens: to the tail, to both ends, or into windows.

    Each input has the tokenizer's own special tokens, and the prefix that the texts come with. A text that fits has the
    ids that ``PlainTexts`` gives.

    Args:
        tokenizer: The encoder's own.
        reading: How texts are read; they are single.
        typed: Whether the encoder has segment ids.
    Raises:
        UserError: If the cut does not fit the longest input.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, reading: Reading, typed: bool) -> None:
        self._tokenizer, self._typed, self._cut = tokenizer, typed, reading.cut
        self._special = SpecialTokens(tokenizer, pair=False)
        before, behind = self._special.around
        self._around = prefix_tokens(tokenizer, reading).stop if reading.prefix else before, behind
        self._room = reading.max_length - sum(self._around)
        require_fits(reading.cut, room=self._room, max_length=reading.max_length)

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        """The token ids of each row of ``batch``, window after window, and whether its text was cut."""
        encoded = self._tokenizer(
            batch["text"],
            return_attention_mask=False,
            return_token_type_ids=self._typed,
            return_special_tokens_mask=self._special.asks_for_mask,
            verbose=False,  # it warns of texts beyond the model's limit, which none of the inputs is
        )
        rows = dict(encoded) | {"special": self._special.masks(encoded)}
        rows.pop("special_tokens_mask", None)
        around, found, truncated = self._around, WindowColumns(), []
        for values in zip(*rows.values(), strict=True):
            length = len(values[0]) - sum(around)
            truncated.append(length > self._room and self._cut.keep != "windows")
            parts = spans(length, room=self._room, cut=self._cut)
            found.add(inputs_of(dict(zip(rows, values, strict=True)), parts, around=around))
        return found.of(self._cut) | {"truncated": truncated}


class TemplatedTexts:
    """Tokenises a batch of rows inside a template.

    The parts around the text are tokenised on their own, and the text gets what is left of ``max_length``, each copy
    the same: a long text is cut, and never the template. Each window of a text stands in the template.

    Args:
        tokenizer: The encoder's own; it must have a mask token if the template has one.
        template: Input template with ``{text}`` at least once and ``[MASK]`` at most once.
        max_length: Longest input in tokens, special tokens included.
        typed: Whether the encoder has segment ids.
        cut: What is read of a longer text.
    Raises:
        UserError: If the template alone is longer than an input, or the cut does not fit what it leaves.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, template: str, max_length: int, typed: bool, cut: Cut
    ) -> None:
        self._tokenizer, self._typed = tokenizer, typed
        self._around = around = TemplateTokens.of(tokenizer, template)
        self._room, self._cut = (max_length - around.fixed) // len(around.spaces), cut
        if self._room < 1:
            raise UserError(
                f"data.max_length must be above the template's own {around.fixed} tokens, got {max_length}: "
                f"{template!r}"
            )
        require_fits(cut, room=self._room, max_length=max_length)

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        """The token ids of each row of ``batch``, which of them poolings read, and whether its text was cut."""
        around, texts = self._around, batch["text"]
        if "text_pair" in batch:
            texts = [f"{one} {other}" for one, other in zip(texts, batch["text_pair"], strict=True)]
        ids = {
            space: self._tokenizer([f"{space}{text}" for text in texts], add_special_tokens=False, verbose=False)
            for space in set(around.spaces)
        }
        found, truncated = WindowColumns(), []
        for row in range(len(texts)):
            copies = [ids[space]["input_ids"][row] for space in around.spaces]
            length = max(map(len, copies))
            truncated.append(length > self._room and self._cut.keep != "windows")
            found.add(self._inputs(copies, spans(length, room=self._room, cut=self._cut)))
        return found.of(self._cut) | {"truncated": truncated}

    def _inputs(self, copies: list[list[int]], parts: list[Span]) -> Iterator[dict[str, list]]:
        """The columns of each input that a text has.

        Args:
            copies: Ids of each copy of the text.
            parts: What each input holds of it.
        """
        around, reached = self._around, 0
        first, last = len(around.start), len(around.end)
        for part in parts:
            kept = [[i for piece in part for i in copy[piece]] for copy in copies]
            ids, target, ends = around.filled(kept), around.target(kept), part[-1].stop
            new = len(ids) - len(around.after) - (ends - max(reached, part[0].start)), len(ids) - len(around.after)
            found: dict[str, list] = {
                "input_ids": ids,
                "special": [i < first or i >= len(ids) - last for i in range(len(ids))],
                "template": [i in target for i in range(len(ids))],
                "repeated": [reached > 0 and not new[0] <= i < new[1] for i in range(len(ids))],
            }
            if self._typed:
                found["token_type_ids"] = [0] * len(ids)
            reached = ends
            yield found


class PrefixedTexts:
    """Puts a prefix before the first text of each row, and marks its tokens if they are not to be pooled.

    Args:
        read: What tokenises the prefixed texts.
        tokenizer: The encoder's own.
        reading: How texts are read.
    Raises:
        UserError: If the prefix leaves no room for a text.
    """

    def __init__(self, read: TextReader, tokenizer: PreTrainedTokenizerBase, reading: Reading) -> None:
        alone = len(tokenizer(reading.prefix, verbose=False)["input_ids"])
        if alone >= reading.max_length:
            raise UserError(f"data.max_length must be above the {alone} tokens of the prefix, got {reading.max_length}")
        self._read, self._prefix = read, reading.prefix
        self._unpooled = None if reading.pool_prefix else prefix_tokens(tokenizer, reading)
        self._in_last_copy = reading.template is not None and reading.template.count("{text}") > 1  # which is pooled

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        """The token ids of each row of ``batch``, and which of them are the prefix's."""
        found = self._read({**batch, "text": [f"{self._prefix}{text}" for text in batch["text"]]})
        places = self._unpooled
        if places is not None:
            firsts = [row.index(True) if self._in_last_copy else places.start for row in found.get("template", [])]
            windows = found.get("windows") or [[len(ids)] for ids in found["input_ids"]]
            found["prefix"] = [
                [first <= i < first + len(places) for length in lengths for i in range(length)]
                for lengths, first in zip(windows, firsts or repeat(places.start), strict=False)
            ]
        return found


def prefix_tokens(tokenizer: PreTrainedTokenizerBase, reading: Reading) -> range:
    """Places of the tokens of a prefix in every text that has it.

    They are counted as sentence-transformers does: as many as the prefix alone has, with what the tokenizer puts before
    a text ([CLS]). In a template they are the prefix's own.

    Args:
        tokenizer: The encoder's own.
        reading: How texts are read, with a prefix.
    """
    if reading.template is not None:
        around = TemplateTokens.of(tokenizer, reading.template)
        first = len(around.before)
        return range(first, first + len(tokenizer(reading.prefix, add_special_tokens=False)["input_ids"]))
    alone = PlainTexts(tokenizer, max_length=reading.max_length, typed=False, pair=False)({"text": [reading.prefix]})
    added = alone["special"][0]
    return range(len(added) - added[::-1].index(False) if False in added else 0)

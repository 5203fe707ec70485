"""Which tokens of an input a tokenizer has added to the text."""

from __future__ import annotations

from transformers import BatchEncoding, PreTrainedTokenizerBase

from poolsweep.data.template import tokens_around


class SpecialTokens:
    """Tells the tokens that a tokenizer adds from those of the text: [CLS], and not an [UNK] that stands for a word.

    The tokenizer's own mask says it, but copying that of every text takes half as long as tokenising. Where a text has
    as many tokens of special ids as the tokenizer adds, these are the added ones; for all others the mask is asked.

    Args:
        tokenizer: The encoder's own.
        pair: Whether texts come in pairs.
    Attributes:
        around: How many tokens stand before and behind a single text.
        asks_for_mask: Whether the tokenizer's mask has to be asked for.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, pair: bool) -> None:
        self._ids = frozenset(tokenizer.all_special_ids)
        probe = tokenizer("a", "a" if pair else None, return_special_tokens_mask=True)
        ids, mask = probe["input_ids"], probe["special_tokens_mask"]
        added = {i for i, is_added in zip(ids, mask, strict=False) if is_added}
        self._count = sum(mask) if added <= self._ids else None  # None: no number of special ids says that they are all
        before, behind = tokens_around(tokenizer)
        self.around = len(before), len(behind)
        self.asks_for_mask = probe.encodings is None  # a Rust tokenizer has made it already, and need not copy it

    def masks(self, encoded: BatchEncoding) -> list[list[bool]]:
        """One mask per text, True at added tokens.

        Args:
            encoded: The tokenizer's output for some texts.
        """
        found = []
        for row, ids in enumerate(encoded["input_ids"]):
            flags = [i in self._ids for i in ids]
            if sum(flags) != self._count:
                known = encoded["special_tokens_mask"][row] if self.asks_for_mask else encoded[row].special_tokens_mask
                flags = list(map(bool, known)) if len(known) == len(ids) else flags
            found.append(flags)
        return found

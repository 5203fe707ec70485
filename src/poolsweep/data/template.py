"""Texts in an input template, cut so that the template stays whole."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from poolsweep.errors import UserError


class Templated:
    """Tokenises a batch of rows inside a template; a class, so that worker processes can receive it.

    The parts before and after the text are tokenised on their own, and the text gets what is left of ``max_length``: a
    long text is cut, and the template's [MASK] stays.

    Args:
        tokenizer: The encoder's own; it must have a mask token.
        template: With ``{text}`` and ``[MASK]`` once each.
        max_length: In tokens, special tokens included.
        typed: Whether the encoder has segment ids.
    Raises:
        UserError: If the template alone is longer than ``max_length``.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, template: str, max_length: int, typed: bool) -> None:
        self._tokenizer, self._typed = tokenizer, typed
        before, after = template.replace("[MASK]", str(tokenizer.mask_token)).split("{text}")
        self._before, self._after = (self._ids([part.strip()])[0] for part in (before, after))
        # What the tokenizer puts around a text: [CLS] before and [SEP] after it, for a BERT.
        marked = tokenizer(str(tokenizer.mask_token))["input_ids"]
        place = marked.index(tokenizer.mask_token_id)
        self._start, self._end = marked[:place], marked[place + 1 :]
        fixed = len(self._start) + len(self._before) + len(self._after) + len(self._end)
        self._room = max_length - fixed
        if self._room < 1:
            raise UserError(
                f"data.max_length must be above the template's own {fixed} tokens, got {max_length}: {template!r}"
            )

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list]:
        """The token ids of each row of ``batch``, and whether its text was cut."""
        tokenizer, texts = self._tokenizer, batch["text"]
        if "text_pair" in batch:
            texts = [f"{one} {other}" for one, other in zip(texts, batch["text_pair"], strict=True)]
        # A mask token in the text itself would be taken for the template's.
        other = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else tokenizer.pad_token_id
        ids = [[other if i == tokenizer.mask_token_id else i for i in text] for text in self._ids(texts)]
        found: dict[str, list] = {
            "input_ids": [[*self._start, *self._before, *text[: self._room], *self._after, *self._end] for text in ids],
            "truncated": [len(text) > self._room for text in ids],
        }
        first, last = len(self._start), len(self._end)
        found["special"] = [[i < first or i >= len(row) - last for i in range(len(row))] for row in found["input_ids"]]
        if self._typed:
            found["token_type_ids"] = [[0] * len(row) for row in found["input_ids"]]
        return found

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

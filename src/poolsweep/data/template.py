"""The tokens of a template around a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tokenizers import Tokenizer
from tokenizers.normalizers import Prepend
from tokenizers.normalizers import Sequence as Steps
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

from poolsweep.errors import UserError


@dataclass(frozen=True)
class TemplateTokens:
    """Ids of the tokens of a template, in which a text stands once or several times.

    Attributes:
        start: What the tokenizer puts before any text: [CLS] for a BERT.
        parts: The template's parts before the first copy of the text, between copies, and behind the last.
        end: What the tokenizer puts behind any text: [SEP] for a BERT.
        spaces: What each copy of the text is tokenised with before it: a space where the template has one and the
            tokenizer makes it part of the word, else nothing.
        mask: The template's [MASK]: which part, and where in it; None if it has none.
    """

    start: list[int]
    parts: tuple[list[int], ...]
    end: list[int]
    spaces: tuple[str, ...]
    mask: tuple[int, int] | None

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, template: str) -> TemplateTokens:
        """Those of a tokenizer that knows no template.

        Args:
            tokenizer: The encoder's own; it must have a mask token if the template has one.
            template: Input template with ``{text}`` at least once and ``[MASK]`` at most once.
        Raises:
            UserError: If the template has a mask, and the tokenizer none.
        """
        start, end = tokens_around(tokenizer)
        texts = template.replace("[MASK]", str(tokenizer.mask_token)).split("{text}")
        behind = [_ids_behind(tokenizer, part.rstrip()) for part in texts[1:]]
        parts = ([*_ids(tokenizer, texts[0].strip())], *behind)
        joins = _ids(tokenizer, "a b") != _ids(tokenizer, "a") + _ids(tokenizer, "b")
        spaces = tuple(" " if joins and part[-1:].isspace() else "" for part in texts[:-1])
        mask = None
        if "[MASK]" in template:
            token = tokenizer.mask_token_id
            which = next((i for i, part in enumerate(parts) if token in part), None)
            if not isinstance(token, int) or which is None:
                raise UserError(f"the tokenizer has no mask token for the template {template!r}")
            mask = which, parts[which].index(token)
        return cls(start, parts, end, spaces, mask)

    @property
    def fixed(self) -> int:
        """The number of tokens that are not the text's."""
        return len(self.start) + sum(map(len, self.parts)) + len(self.end)

    @property
    def before(self) -> list[int]:
        """All ids before the first copy of the text."""
        return [*self.start, *self.parts[0]]

    @property
    def after(self) -> list[int]:
        """All ids behind the last copy of the text."""
        return [*self.parts[-1], *self.end]

    @property
    def mask_place(self) -> tuple[Literal["place", "from_end"], int]:
        """Where the [MASK] stands in every text, counted from 1 from the side of the text that it stands on."""
        assert self.mask is not None
        part, offset = self.mask
        if part == 0:
            return "place", len(self.start) + offset + 1
        return "from_end", sum(map(len, self.parts[part:])) - offset + len(self.end)

    def filled(self, copies: Sequence[list[int]]) -> list[int]:
        """The ids of the template with the ids of a text in it."""
        ids = self.before
        for text, part in zip(copies, self.parts[1:], strict=True):
            ids = [*ids, *text, *part]
        return [*ids, *self.end]

    def target(self, copies: Sequence[list[int]]) -> range:
        """The places that poolings read: of the [MASK], or else of the text's last copy."""
        if self.mask is None:
            last = len(self.filled(copies)) - len(self.after)
            return range(last - len(copies[-1]), last)
        part, offset = self.mask
        place = len(self.start) + sum(map(len, self.parts[:part])) + sum(map(len, copies[:part])) + offset
        return range(place, place + 1)


def tokens_around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Ids that a tokenizer puts before every text, and those that it puts behind it."""
    probe = tokenizer("a", return_special_tokens_mask=True)
    ids, added = probe["input_ids"], list(probe["special_tokens_mask"])
    if 0 not in added:  # a tokenizer that does not know "a"
        return ids, []
    return ids[: added.index(0)], ids[len(ids) - added[::-1].index(0) :]


def put_around(tokenizer: PreTrainedTokenizerBase, before: Sequence[int], after: Sequence[int]) -> None:
    """Make a tokenizer put tokens around every text, in place of those that it puts there now.

    Args:
        tokenizer: Changed; saved and loaded, it does the same.
        before: Ids before the text.
        after: Ids behind it.
    Raises:
        UserError: If it has no Rust backend.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UserError(f"{type(tokenizer).__name__} has no Rust backend, which puts tokens around a text")
    known = {name: list(ids) for name, ids in (("before", before), ("after", after)) if len(ids)}
    backend.post_processor = TemplateProcessing(
        single=[name for name in ("before", "$A", "after") if name == "$A" or name in known],
        special_tokens=[
            {"id": name, "ids": ids, "tokens": tokenizer.convert_ids_to_tokens(ids)} for name, ids in known.items()
        ],
    )


def put_before(tokenizer: PreTrainedTokenizerBase, prefix: str) -> None:
    """Make a tokenizer put a string before every text that is not empty.

    Args:
        tokenizer: Changed; saved and loaded, it does the same. It has a Rust backend.
        prefix: Any text.
    """
    backend: Any = tokenizer.backend_tokenizer
    own = [] if backend.normalizer is None else [backend.normalizer]
    backend.normalizer = Steps([Prepend(prefix), *own])


def taken_out(tokenizer: PreTrainedTokenizerBase, prefix: str) -> bool:
    """Undo ``put_before``.

    Args:
        tokenizer: Changed, if it puts the prefix before texts.
        prefix: Any text.
    Returns:
        Whether it did.
    """
    backend: Any = tokenizer.backend_tokenizer
    whole = json.loads(backend.to_str())
    first, *rest = (whole["normalizer"] or {}).get("normalizers") or [None]
    if first != {"type": "Prepend", "prepend": prefix}:
        return False
    whole["normalizer"] = {"type": "Sequence", "normalizers": rest} if rest else None
    backend.normalizer = Tokenizer.from_str(json.dumps(whole)).normalizer
    return True


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] if text else []


def _ids_behind(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of what stands behind a word, as they are there: some tokenizers put a space before what stands alone."""
    word = _ids(tokenizer, "a")
    both = _ids(tokenizer, f"a{text}")
    return both[len(word) :] if both[: len(word)] == word else _ids(tokenizer, text.strip())

"""The tokens of a template around a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

from poolsweep.errors import UserError


@dataclass(frozen=True)
class TemplateTokens:
    """Ids of tokens around a text that is put into a template.

    Attributes:
        start: What the tokenizer puts before any text: [CLS] for a BERT.
        before: The template's part before the text.
        after: The template's part behind it.
        end: What the tokenizer puts behind any text: [SEP] for a BERT.
        mask: The template's [MASK].
        unknown: What a [MASK] in the text itself is read as, since it would be taken for the template's.
    """

    start: list[int]
    before: list[int]
    after: list[int]
    end: list[int]
    mask: int
    unknown: int

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, template: str) -> TemplateTokens:
        """Those of a tokenizer that knows no template.

        Args:
            tokenizer: The encoder's own; it must have a mask token.
            template: Input template with ``{text}`` and ``[MASK]`` once each.
        """
        marked = tokenizer(str(tokenizer.mask_token))["input_ids"]
        mask = tokenizer.mask_token_id
        assert isinstance(mask, int)
        place = marked.index(mask)
        unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else tokenizer.pad_token_id
        assert isinstance(unknown, int)
        return cls(marked[:place], *template_sides(tokenizer, template), marked[place + 1 :], mask, unknown)


def template_sides(tokenizer: PreTrainedTokenizerBase, template: str) -> tuple[list[int], list[int]]:
    """Ids of a template's part before the text and of that behind it.

    Args:
        tokenizer: The encoder's own; it must have a mask token.
        template: Input template with ``{text}`` and ``[MASK]`` once each.
    """
    before, after = template.replace("[MASK]", str(tokenizer.mask_token)).split("{text}")
    ids = tokenizer([before.strip(), after.strip()], add_special_tokens=False, verbose=False)["input_ids"]
    return ids[0], ids[1]


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

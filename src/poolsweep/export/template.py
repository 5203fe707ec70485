"""A template as part of a tokenizer, so that whatever calls it puts its texts into the template."""

from __future__ import annotations

from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

from poolsweep.errors import UserError


def put_into_template(tokenizer: PreTrainedTokenizerBase, template: str) -> None:
    """Make a tokenizer put every text into a template, as runs do: a text that is too long is cut, never the template.

    Args:
        tokenizer: Changed; saved and loaded, it does the same.
        template: With ``{text}`` and ``[MASK]`` once each.
    Raises:
        UserError: If it has no Rust backend.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UserError(f"{type(tokenizer).__name__} has no Rust backend, which an export with a template needs")
    before, after = template.replace("[MASK]", str(tokenizer.mask_token)).split("{text}")
    marked = tokenizer(str(tokenizer.mask_token))["input_ids"]
    place = marked.index(tokenizer.mask_token_id)
    parts = {
        "before": [*marked[:place], *tokenizer(before.strip(), add_special_tokens=False)["input_ids"]],
        "after": [*tokenizer(after.strip(), add_special_tokens=False)["input_ids"], *marked[place + 1 :]],
    }
    known = {name: ids for name, ids in parts.items() if ids}
    backend.post_processor = TemplateProcessing(
        single=[*(["before"] if parts["before"] else []), "$A", *(["after"] if parts["after"] else [])],
        special_tokens=[
            {"id": name, "ids": ids, "tokens": tokenizer.convert_ids_to_tokens(ids)} for name, ids in known.items()
        ],
    )

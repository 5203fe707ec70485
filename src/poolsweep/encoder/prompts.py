"""What is put before a text that an encoder reads."""

from __future__ import annotations

from dataclasses import dataclass

from poolsweep.encoder.shipped import Shipped
from poolsweep.errors import UserError, nearest


@dataclass(frozen=True)
class Prefix:
    """What is put before every text.

    Attributes:
        text: Before every text; before the first of two that are one input.
        pair: Before the second text of a pair whose texts are inputs of their own; None = the same.
        pooled: Whether its tokens are pooled.
    """

    text: str = ""
    pair: str | None = None
    pooled: bool = True


def prefix_of(
    shipped: Shipped | None,
    *,
    encoder: str,
    prefix: str | None = None,
    prefix_pair: str | None = None,
    prompt: str | None = None,
    pool_prefix: bool | None = None,
) -> Prefix:
    """The prefix that is asked for, or that the encoder's folder has by default.

    Args:
        shipped: What the folder has beside its encoder, if it has anything.
        encoder: What the user calls the encoder.
        prefix: Text of the prefix; None = the folder's default prompt.
        prefix_pair: Text before the second of a pair; None = the same.
        prompt: Name of a prompt of the folder, in place of its default.
        pool_prefix: Whether its tokens are pooled; None = as the folder says.
    Raises:
        UserError: If the folder has no such prompt.
    """
    known = {} if shipped is None else shipped.prompts
    pooled = (shipped is None or shipped.pool_prefix) if pool_prefix is None else pool_prefix
    if prompt is not None:
        if prefix is not None:
            raise UserError("prefix and prompt of an encoder are two ways to say one thing; give one of them")
        if prompt not in known:
            hint = nearest(prompt, known) if known else "a prefix says one: encoder.prefix='…'"
            raise UserError(f"{encoder} has no prompt {prompt!r}; {hint}")
        return Prefix(known[prompt], prefix_pair, pooled)
    if prefix is None and shipped is not None and shipped.default_prompt is not None:
        prefix = known.get(shipped.default_prompt)
    return Prefix(prefix or "", prefix_pair, pooled)

"""What a pooling asks of the encoder, said before anything runs."""

from __future__ import annotations

from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.windowed import joins_tokens


def unmet_needs(
    pooling: Pooling,
    *,
    name: str,
    encoder: str,
    has_pooler: bool,
    has_mask_token: bool,
    gives_attentions: bool,
    cls_sees_text: bool,
) -> list[str]:
    """Sentences that name what a pooling needs and its encoder does not have; empty if they go together.

    Args:
        pooling: The pooling.
        name: What the user calls it, a preset's name or ``layers+tokens``.
        encoder: What the user calls the encoder.
        has_pooler: The model has a pooler of its own.
        has_mask_token: The tokenizer has a mask token.
        cls_sees_text: The state of [CLS], or of the first token, depends on the tokens of the text.
        gives_attentions: The attention implementation returns its weights (eager does, sdpa does not).
    Example:
        >>> from poolsweep.pooling.layers.single import Single
        >>> from poolsweep.pooling.tokens.pooler import Pooler
        >>> pooler = Pooling(layers=Single(index=-1, num_layers=6, hidden_size=8), tokens=Pooler(input_size=8))
        >>> has = {"has_mask_token": True, "gives_attentions": True, "cls_sees_text": True}
        >>> unmet_needs(pooler, name="pooler", encoder="distilbert", has_pooler=False, **has)
        ['pooling=pooler needs an encoder with a pooler, and distilbert has none; pooling=cls reads the same token']
    """
    needed = pooling.context_needed
    joined = joins_tokens(pooling)
    problems = []
    if "pooler_output" in needed and not has_pooler:
        problems.append(
            f"pooling={name} needs an encoder with a pooler, and {encoder} has none; pooling=cls reads the same token"
        )
    if "[MASK]" in (pooling.template or "") and not has_mask_token:
        problems.append(
            f"pooling={name} needs a tokenizer with a mask token, and {encoder} has none; pooling=prompt_eol asks "
            "without one"
        )
    if "attentions" in needed and not gives_attentions:
        problems.append(f"pooling={name} needs the attentions of {encoder}; set encoder.attention=eager")
    if pooling.tokens.uses_cls and not cls_sees_text:
        problems.append(
            f"pooling={name} reads the first token, which in {encoder}, a causal model, has seen nothing of the text "
            "behind it; pooling=last reads the one that has seen all"
        )
    if joined and (pooling.tokens.selects_token or pooling.tokens.reads_first_token):
        problems.append(
            f"pooling={name} reads one token, which stands in one window; pooling/chunks=mean reads it in each"
        )
    elif joined and (pooling.template is not None or "attentions" in needed):
        what = "a template" if pooling.template is not None else "attentions"
        problems.append(f"pooling={name} reads {what} of each window; pooling/chunks=mean reads window by window")
    return problems

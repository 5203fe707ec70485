"""The state at the [MASK] of a template."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import first_token, restrict
from poolsweep.pooling.tokens.template import check_template


class MaskPrompt(TokenPooling):
    """The text is put into a template, and the state at the template's [MASK] stands for it.

    ``x[position of [MASK]]``: the encoder is asked, in the way it was pre-trained, for one word that sums up the text.
    A row without a [MASK] (cut off, or templates not in use) gives its first real token; zeros for an all-padding row.

    Args:
        template: The text with ``{text}`` where the row's text goes and one ``[MASK]``, whatever the tokenizer's mask
            token is called.
        input_size: Size of a token's vector.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If the template does not have ``{text}`` and ``[MASK]`` once each, or the context does not say where
            [MASK] is.
    Reference:
        Jiang et al. (2022), "PromptBERT", arXiv:2201.04337, section 4. Differs: no template denoising, which belongs to
        its contrastive training.
    Example:
        >>> import torch
        >>> pooling = MaskPrompt(template='This sentence : "{text}" means [MASK] .', input_size=1)
        >>> context = PoolingContext(template=torch.tensor([[False, True]]))
        >>> pooling(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), context)
        tensor([[3.]])
    """

    formula: ClassVar[str] = "x[position of [MASK]] in {template}"
    source: ClassVar[str] = "Jiang 2022, arXiv:2201.04337"
    linear_in_tokens: ClassVar[bool] = True
    selects_token: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True
    context_needed: frozenset[str] = frozenset({"template"})

    def __init__(self, *, template: str, input_size: int) -> None:
        check_template(template, texts=1, masks=1)
        super().__init__(input_size=input_size)
        self.template = template

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Select the token at [MASK]."""
        if context.template is None:
            raise ValueError("pooling.tokens=mask_prompt needs context.template, the places of the template's [MASK]")
        return first_token(hidden, restrict(mask, context.template))

"""The state of the last token of a template that asks for one word."""

from __future__ import annotations

from typing import ClassVar

from poolsweep.pooling.tokens.last import Last
from poolsweep.pooling.tokens.template import check_template


class PromptEol(Last):
    """The text is put into a template that asks for one word, and the state of the template's last token stands for it.

    ``x[last token of the template]``: a decoder is asked, in the way it was pre-trained, for the next word, which is to
    sum up the text. What the tokenizer adds behind the template is left out. Zeros for an all-padding row.

    Args:
        template: The text with one ``{text}`` where the row's text goes; what asks for the word stands behind it.
        input_size: Size of a token's vector.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If the template does not have ``{text}`` exactly once, or has a ``[MASK]``.
    Reference:
        Jiang et al. (2023), "Scaling Sentence Embeddings with Large Language Models", arXiv:2307.16645, section 3.
        Differs: the template is tokenised apart from the text, so that a long text is cut and the template never is.
    Example:
        >>> import torch
        >>> from poolsweep.pooling import PoolingContext
        >>> pooling = PromptEol(template='This sentence : "{text}" means in one word:"', input_size=1)
        >>> context = PoolingContext(special=torch.tensor([[False, False, True]]))
        >>> pooling(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.ones(1, 3, dtype=torch.bool), context)
        tensor([[3.]])
    """

    formula: ClassVar[str] = "x[last token of {template}]"
    source: ClassVar[str] = "Jiang 2023, arXiv:2307.16645"

    def __init__(self, *, template: str, input_size: int) -> None:
        check_template(template, texts=1, masks=0)
        super().__init__(input_size=input_size, include_special=False)
        self.template = template

"""The tokens of a text that is given a second time."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import last_token, masked_mean, restrict
from poolsweep.pooling.tokens.template import check_template


class Echo(TokenPooling):
    """The text is given twice, and only the tokens of its second copy are pooled.

    ``mean of x[t]`` or ``x[last]`` over the second copy: there each token of a causal encoder has seen the whole text.
    A row without a second copy (an empty text, or templates not in use) gives that of all its real tokens; zeros for an
    all-padding row.

    Args:
        template: The text with ``{text}`` twice where the row's text goes.
        pool: What is made of the second copy's tokens: ``mean``, or ``last``.
        input_size: Size of a token's vector.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If the template does not have ``{text}`` exactly twice, or has a ``[MASK]``, or the context does not
            say where the second copy is.
    Reference:
        Springer et al. (2024), "Repetition Improves Language Model Embeddings", arXiv:2402.15449. Differs: a
        long text is cut to half of what the template leaves of the encoder's length, in both copies.
    Example:
        >>> import torch
        >>> pooling = Echo(template="Rewrite: {text}, rewritten: {text}", pool="mean", input_size=1)
        >>> context = PoolingContext(template=torch.tensor([[False, True, True]]))
        >>> pooling(torch.tensor([[[9.0], [1.0], [3.0]]]), torch.ones(1, 3, dtype=torch.bool), context)
        tensor([[2.]])
    """

    formula: ClassVar[str] = "{pool} of x[t] over the second copy of the text in {template}"
    source: ClassVar[str] = "Springer 2024, arXiv:2402.15449"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True
    context_needed: frozenset[str] = frozenset({"template"})

    def __init__(self, *, template: str, pool: Literal["mean", "last"], input_size: int) -> None:
        check_template(template, texts=2, masks=0)
        super().__init__(input_size=input_size)
        self.template, self.pool = template, pool

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Pool the second copy."""
        if context.template is None:
            raise ValueError("pooling.tokens=echo needs context.template, the places of the text's second copy")
        second = restrict(self.kept(mask, context), context.template)
        return masked_mean(hidden, second) if self.pool == "mean" else last_token(hidden, second)

"""A pooling: a layer mix and a token pooling, in the cheapest order that gives the same result."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling, as_bool
from poolsweep.pooling.functional import zero_padding


class Pooling(nn.Module):
    """Combines layers, then tokens.

    Where the two commute (a mean over tokens of concatenated layers, say) each layer is pooled first: the same result
    for a fraction of the memory. They commute if the token pooling keeps the vector's size and

    - it selects one token by position: any layer mix works token by token; or
    - it is linear in the tokens and the mix is linear in the layers; or
    - it works dimension by dimension and the mix only concatenates.

    Args:
        layers: How the layers are combined.
        tokens: How the tokens of the result become one vector.
    Shape:
        hidden: one (B, T, H) for each of ``layers_needed``; mask (B, T) bool, True = real token; returns
        (B, output_size), zeros for an all-padding row.
    Raises:
        ValueError: If the token pooling reads the last layer and the mix gives another.
    Example:
        >>> from poolsweep.pooling.layers.concat import Concat
        >>> from poolsweep.pooling.tokens.mean import Mean
        >>> layers = Concat(last=2, num_layers=12, hidden_size=4)
        >>> pooling = Pooling(layers=layers, tokens=Mean(input_size=layers.output_size))
        >>> pooling.layers_needed, pooling.output_size, pooling.pools_first
        ((11, 12), 8, True)
        >>> hidden = (torch.ones(1, 3, 4), torch.zeros(1, 3, 4))
        >>> pooling(hidden, torch.ones(1, 3, dtype=torch.bool))
        tensor([[1., 1., 1., 1., 0., 0., 0., 0.]])
    """

    def __init__(self, *, layers: LayerMix, tokens: TokenPooling) -> None:
        super().__init__()
        if tokens.needs_last_layer and not layers.passes_last_layer:
            name = type(tokens).__name__.lower()
            raise ValueError(
                f"pooling.tokens={name} reads the encoder's last layer alone and goes only with pooling.layers=last"
            )
        self.layers = layers
        self.tokens = tokens

    @property
    def layers_needed(self) -> tuple[int, ...]:
        """Indices of the hidden states to pass, 0 = embeddings."""
        return self.layers.layers_needed

    @property
    def output_size(self) -> int:
        """D, the size of the pooled vector."""
        return self.tokens.output_size

    @property
    def context_needed(self) -> frozenset[str]:
        """Names of the ``PoolingContext`` fields that must be set."""
        return self.tokens.context_needed

    @property
    def template(self) -> str | None:
        """The input template that the collator puts each text into, or None."""
        return self.tokens.template

    @property
    def linear_in_tokens(self) -> bool:
        """The pooled vector is a sum over tokens with weights that do not depend on their states."""
        return self.tokens.linear_in_tokens and self.layers.linear

    @property
    def pools_first(self) -> bool:
        """Whether each layer can be pooled before the layers are combined, with the same result."""
        if any(True for _ in self.tokens.parameters()) or self.tokens.output_size != self.tokens.input_size:
            return False
        return (
            self.tokens.selects_token
            or (self.tokens.linear_in_tokens and self.layers.linear)
            or (self.tokens.per_dimension and self.layers.concatenates)
        )

    def forward(self, hidden: tuple[Tensor, ...], mask: Tensor, context: PoolingContext | None = None) -> Tensor:
        """Pool the hidden states of the needed layers; ``mask`` may be a tokenizer's, of 0 and 1."""
        mask, context = as_bool(mask), context or PoolingContext()
        if self.pools_first:
            pooled = self.combine(tuple(self.tokens(layer, mask, context) for layer in hidden))
            # A mix with a bias makes something of the zeros of an all-padding row.
            return pooled if self.layers.linear else pooled.masked_fill(~mask.any(dim=1, keepdim=True), 0)
        return self.tokens(self.mix(hidden, mask), mask, context)

    def mix(self, hidden: tuple[Tensor, ...], mask: Tensor) -> Tensor:
        """Combine the layers token by token.

        Shape:
            as in ``forward``; returns (B, T, size of a mixed token).
        """
        harmless = self.layers.concatenates or (self.layers.linear and not any(True for _ in self.layers.parameters()))
        if torch.is_grad_enabled() and not harmless:
            # What padding holds cannot reach the result, but times a zero gradient it could: NaN * 0 is NaN.
            hidden = tuple(zero_padding(layer, mask) for layer in hidden)
        return self.layers(hidden)

    def combine(self, vectors: tuple[Tensor, ...]) -> Tensor:
        """Combine layers that are already pooled; valid where ``pools_first``, for rows that are not all padding.

        Shape:
            vectors: one (B, H) for each of ``layers_needed``; returns (B, output_size).
        """
        return self.layers(tuple(vector[:, None] for vector in vectors))[:, 0]

    def explain(
        self, hidden: tuple[Tensor, ...], mask: Tensor, context: PoolingContext | None = None
    ) -> dict[str, Tensor]:
        """What each token and each layer contributes: the token pooling's ``explain`` and, as ``"layers"``, the mix's.

        Shape:
            as in ``forward``; ``"layers"`` is (layers,) or (B, T, layers), everything else (B, T) or (B, heads, T).
        """
        context = context or PoolingContext()
        found = self.tokens.explain(self.mix(hidden, mask), mask, context)
        weights = self.layers.layer_weights(hidden)
        return found if weights is None else {**found, "layers": weights}

    def auxiliary_loss(self) -> Tensor | None:
        """The sum of both halves' penalties of the last forward pass, or None."""
        penalties = [p for p in (self.layers.auxiliary_loss(), self.tokens.auxiliary_loss()) if p is not None]
        return torch.stack(penalties).sum() if penalties else None

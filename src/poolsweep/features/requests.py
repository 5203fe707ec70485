"""What a pooling wants of a frozen encoder: the least that has to be stored for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poolsweep.data.batch import Batch
from poolsweep.encoder.encoder import EncoderOutput
from poolsweep.pooling import Pooling, PoolingContext, TokenPooling


@dataclass(frozen=True)
class FeatureRequest:
    """One thing to store.

    Attributes:
        kind: ``vectors`` (each layer pooled), ``pooler``, ``pooled`` (the whole pooling) or ``states`` (token states).
        name: Tells arrays of one kind apart.
        layers: Layers that are read from the store, for ``states``; a pass stores ``vectors`` of every layer.
        pooling: The pooling itself, for ``vectors`` and ``pooled``.
        context: What the pooling's token half reads beside the states.
    """

    kind: str
    name: str
    layers: tuple[int, ...]
    pooling: Pooling | None = None
    context: frozenset[str] = frozenset()

    @property
    def arrays(self) -> list[str]:
        """Names of the store's arrays that hold it."""
        if self.kind == "states":
            return ["lengths", *(f"states-{layer}" for layer in self.layers)]
        return [f"{self.kind}-{self.name}"]

    def layers_read(self, num_layers: int) -> tuple[int, ...]:
        """Hidden states that the pass needs for it."""
        if self.kind == "vectors":
            return tuple(range(num_layers + 1))
        return () if self.kind == "pooler" else self.layers


def request_for(pooling: Pooling, *, tokens_key: str, pooling_key: str, pooler_key: str) -> FeatureRequest:
    """The cheapest thing to store from which ``pooling`` can be computed.

    Args:
        pooling: What is going to be trained on.
        tokens_key: Tells token poolings with different options apart.
        pooling_key: Tells whole poolings apart.
        pooler_key: Tells the weights of poolers apart.
    """
    layers, context = pooling.layers_needed, pooling.context_needed
    if context == {"pooler_output"}:
        return FeatureRequest("pooler", pooler_key, layers, context=context)
    if pooling.pools_first:
        return FeatureRequest("vectors", tokens_key, layers, pooling=pooling, context=context)
    if not any(True for _ in pooling.parameters()):
        return FeatureRequest("pooled", pooling_key, layers, pooling=pooling, context=context)
    return FeatureRequest("states", "states", layers, context=context - {"special", "template"})


def batch_features(
    requests: Sequence[FeatureRequest], output: EncoderOutput, *, batch: Batch, layers: Sequence[int], num_layers: int
) -> dict[str, Tensor]:
    """Compute all arrays of all requests for one batch of the pass.

    Shape:
        returns array name → (B, …), token states padded as (B, T, H).
    """
    hidden = dict(zip(layers, output.hidden, strict=True))
    context = PoolingContext(output.pooler_output, output.attentions, batch.special, batch.template, batch.cls)
    found: dict[str, Tensor] = {}
    for request in requests:
        if request.kind == "pooler":
            assert output.pooler_output is not None
            found[request.arrays[0]] = output.pooler_output
        elif request.kind == "states":
            found |= {f"states-{layer}": hidden[layer] for layer in request.layers}
        elif request.kind == "vectors":
            found[request.arrays[0]] = _pool_each(request, hidden, batch.mask, context, num_layers)
        else:
            assert request.pooling is not None
            states = tuple(hidden[layer] for layer in request.layers)
            found[request.arrays[0]] = request.pooling(states, batch.mask, context)
    return found


def _pool_each(
    request: FeatureRequest, hidden: dict[int, Tensor], mask: Tensor, context: PoolingContext, num_layers: int
) -> Tensor:
    assert request.pooling is not None
    tokens: TokenPooling = request.pooling.tokens
    return torch.stack([tokens(hidden[layer], mask, context) for layer in range(num_layers + 1)], dim=1)

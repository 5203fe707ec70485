"""What a pooling wants of a frozen encoder: the least that has to be stored for it, and its vector from that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from poolsweep.data.batch import Batch
from poolsweep.data.token_rows import TokenRows
from poolsweep.features.rows import FeatureRows, StateRows, VectorRows
from poolsweep.pooling import Pooling, PoolingContext


@dataclass(frozen=True)
class EncodedBatch:
    """What the encoder's pass has of some texts.

    Attributes:
        hidden: Layer → (B, T, H), of all layers that any request reads.
        mask: Real tokens, (B, T).
        context: What poolings read beside the states.
    """

    hidden: Mapping[int, Tensor]
    mask: Tensor
    context: PoolingContext


@dataclass(frozen=True)
class PassRequest(ABC):
    """What is wanted of an encoder's pass over texts.

    Attributes:
        pooling: The pooling that reads the encoder's states.
        name: Tells requests of one kind apart.
    """

    pooling: Pooling
    name: str

    @property
    def context(self) -> frozenset[str]:
        """What the pass needs beside the hidden states."""
        return self.pooling.context_needed

    @property
    def reads_first_token(self) -> bool:
        """Whether no state but that of each text's first token is wanted."""
        return False

    def layers_read(self, num_layers: int) -> tuple[int, ...]:
        """Hidden states that the pass needs for it."""
        return self.pooling.layers_needed

    @abstractmethod
    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """What it makes of one batch of the pass: name → (B, …), token states padded as (B, T, H)."""


@dataclass(frozen=True)
class FeatureRequest(PassRequest):
    """One thing to store of every text for a pooling, and the way from it to the pooled vector."""

    kind: ClassVar[str]
    per_token: ClassVar[bool] = False  # whether its arrays have a row per token, rather than per text

    @property
    def arrays(self) -> list[str]:
        """Names of the store's arrays that hold it."""
        return [f"{self.kind}-{self.name}"]

    def read(self, tokens: TokenRows, arrays: Sequence[np.ndarray]) -> FeatureRows:
        """Rows whose batches hold as ``features`` what ``pool`` takes.

        Args:
            tokens: The split's token ids.
            arrays: The store's arrays, in the order of ``arrays``.
        """
        return VectorRows(tokens, self, arrays)

    @abstractmethod
    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """The pooled vectors of a batch of such rows; (B, D).

        Args:
            batch: A batch of ``read``'s rows.
            pooling: The pooling as it is trained.
        """


class PoolerFeatures(FeatureRequest):
    """The output of the encoder's own pooler, (N, H)."""

    kind = "pooler"

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """What the encoder has computed."""
        assert encoded.context.pooler_output is not None
        return {self.arrays[0]: encoded.context.pooler_output}

    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """The token pooling's own way with it."""
        (found,) = batch.features
        return pooling.tokens(found[:, None], batch.mask, PoolingContext(pooler_output=found))


class LayerVectors(FeatureRequest):
    """One vector per layer, of every layer, (N, L + 1, H): for poolings that may pool each layer first."""

    kind = "vectors"

    def layers_read(self, num_layers: int) -> tuple[int, ...]:
        """All, so that every layer mix finds its own."""
        return tuple(range(num_layers + 1))

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """Every layer, pooled by itself."""
        vectors = [
            self.pooling.tokens(encoded.hidden[i], encoded.mask, encoded.context) for i in sorted(encoded.hidden)
        ]
        return {self.arrays[0]: torch.stack(vectors, dim=1)}

    def read(self, tokens: TokenRows, arrays: Sequence[np.ndarray]) -> FeatureRows:
        """The vectors of the layers that the pooling reads."""
        return VectorRows(tokens, self, [arrays[0][:, layer] for layer in self.pooling.layers_needed])

    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """The layers' vectors, combined."""
        return pooling.combine(batch.features)


class PooledVectors(FeatureRequest):
    """The pooled vector itself, (N, D): for poolings without parameters that cannot pool each layer first."""

    kind = "pooled"

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """The whole pooling."""
        states = tuple(encoded.hidden[layer] for layer in self.pooling.layers_needed)
        return {self.arrays[0]: self.pooling(states, encoded.mask, encoded.context)}

    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """As it is."""
        return batch.features[0]


class TokenStates(FeatureRequest):
    """All token states of the layers that are read, (ΣT, H) each: for poolings with parameters."""

    kind = "states"
    per_token = True

    @property
    def arrays(self) -> list[str]:
        """The texts' lengths, and one array per layer."""
        return ["lengths", *(f"{self.kind}-{layer}" for layer in self.pooling.layers_needed)]

    @property
    def context(self) -> frozenset[str]:
        """Not what token ids tell."""
        return self.pooling.context_needed - {"special", "template"}

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """The states as they are."""
        return {f"{self.kind}-{layer}": encoded.hidden[layer] for layer in self.pooling.layers_needed}

    def read(self, tokens: TokenRows, arrays: Sequence[np.ndarray]) -> FeatureRows:
        """Token states, padded within each batch."""
        return StateRows(tokens, self, arrays[1:], lengths=arrays[0])

    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """The whole pooling."""
        return pooling(batch.features, batch.mask, batch.context())


def request_for(pooling: Pooling, *, tokens_key: str, pooling_key: str, pooler_key: str) -> FeatureRequest:
    """The cheapest thing to store from which ``pooling`` can be computed.

    Args:
        pooling: The pooling that is going to be trained on it.
        tokens_key: Tells token poolings with different options apart.
        pooling_key: Tells whole poolings apart.
        pooler_key: Tells the weights of poolers apart.
    """
    if pooling.context_needed == {"pooler_output"}:
        return PoolerFeatures(pooling, pooler_key)
    if pooling.pools_first:
        return LayerVectors(pooling, tokens_key)
    if not any(True for _ in pooling.parameters()):
        return PooledVectors(pooling, pooling_key)
    return TokenStates(pooling, "states")

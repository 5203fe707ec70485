"""What a pooling wants of a frozen encoder: the least that has to be stored for it, and its vector from that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from poolsweep.data.batch import Batch
from poolsweep.data.token_rows import TokenRows
from poolsweep.features.arrays import Per
from poolsweep.features.rows import FeatureRows, StateRows, VectorRows
from poolsweep.pooling import Pooling, PoolingContext, WindowedPooling
from poolsweep.pooling.windowed import joins_tokens
from poolsweep.pooling.windows import join_windows


@dataclass(frozen=True)
class EncodedBatch:
    """What the encoder's pass has of some texts.

    Attributes:
        hidden: Layer → (N, T, H), of all layers that any request reads.
        mask: Real tokens, (N, T).
        context: What poolings read beside the states, and which inputs are windows of one text.
    """

    hidden: Mapping[int, Tensor]
    mask: Tensor
    context: PoolingContext

    def apart(self) -> EncodedBatch:
        """Each window as a text of its own."""
        return replace(self, context=replace(self.context, windows=None))

    def joined(self, *, repeated: bool = False) -> EncodedBatch:
        """The windows of each text as one long text.

        Args:
            repeated: Keep the tokens that stand in the text elsewhere, too.
        """
        windows, layers = self.context.windows, sorted(self.hidden)
        if windows is None:
            return self
        context = self.context
        if repeated:
            context = replace(context, windows=replace(windows, repeated=torch.zeros_like(self.mask)))
        states, mask, context = join_windows(tuple(self.hidden[i] for i in layers), self.mask, context)
        return EncodedBatch(dict(zip(layers, states, strict=True)), mask, context)


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

    @property
    def joins_tokens(self) -> bool:
        """Whether the tokens of all windows of a text are pooled together."""
        return joins_tokens(self.pooling)

    @property
    def per(self) -> Per:
        """What its arrays have a row for."""
        return "text" if self.joins_tokens else "window"

    def inputs(self, encoded: EncodedBatch) -> EncodedBatch:
        """A batch of the pass with a row for each row of the arrays."""
        return encoded.joined() if self.joins_tokens else encoded.apart()

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
        vectors = pooling.tokens(found[:, None], batch.mask, PoolingContext(pooler_output=found))
        return _of_texts(pooling, vectors, batch)


class LayerVectors(FeatureRequest):
    """One vector per layer, of every layer, (N, L + 1, H) of N windows: for poolings that may pool each layer first."""

    kind = "vectors"

    def layers_read(self, num_layers: int) -> tuple[int, ...]:
        """All, so that every layer mix finds its own."""
        return tuple(range(num_layers + 1))

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """Every layer, pooled by itself."""
        inputs = self.inputs(encoded)
        vectors = [self.pooling.tokens(inputs.hidden[i], inputs.mask, inputs.context) for i in sorted(inputs.hidden)]
        return {self.arrays[0]: torch.stack(vectors, dim=1)}

    def read(self, tokens: TokenRows, arrays: Sequence[np.ndarray]) -> FeatureRows:
        """The vectors of the layers that the pooling reads."""
        return VectorRows(tokens, self, [arrays[0][:, layer] for layer in self.pooling.layers_needed])

    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """The layers' vectors, combined."""
        return _of_texts(pooling, pooling.combine(batch.features), batch)


class PooledVectors(FeatureRequest):
    """The pooled vector of each window, (N, D): for poolings without parameters that cannot pool each layer first."""

    kind = "pooled"

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """The whole pooling."""
        inputs = self.inputs(encoded)
        states = tuple(inputs.hidden[layer] for layer in self.pooling.layers_needed)
        return {self.arrays[0]: self.pooling(states, inputs.mask, inputs.context)}

    def pool(self, batch: Batch, pooling: Pooling) -> Tensor:
        """As it is, or the windows of each text combined."""
        return _of_texts(pooling, batch.features[0], batch)


class TokenStates(FeatureRequest):
    """All token states of the layers that are read, (ΣT, H) each: for poolings with parameters."""

    kind = "states"

    @property
    def per(self) -> Per:
        """Every token of every window."""
        return "token"

    @property
    def arrays(self) -> list[str]:
        """The texts' lengths, and one array per layer."""
        return ["lengths", *(f"{self.kind}-{layer}" for layer in self.pooling.layers_needed)]

    @property
    def context(self) -> frozenset[str]:
        """Not what token ids tell."""
        return self.pooling.context_needed - {"special", "template"}

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """The states as they are, those of a text's windows end to end."""
        inputs = encoded.joined(repeated=True)
        return {f"{self.kind}-{layer}": inputs.hidden[layer] for layer in self.pooling.layers_needed}

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
    if not any(True for half in (pooling.layers, pooling.tokens) for _ in half.parameters()):
        return PooledVectors(pooling, pooling_key)
    return TokenStates(pooling, "states")


def _of_texts(pooling: Pooling, vectors: Tensor, batch: Batch) -> Tensor:
    """The vectors of texts, of those of their windows."""
    return pooling.combine_windows(vectors, batch.windows) if isinstance(pooling, WindowedPooling) else vectors

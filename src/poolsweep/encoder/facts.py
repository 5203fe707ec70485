"""What a transformers model's config and weights say of it."""

from __future__ import annotations

import json

from torch import nn
from transformers import PreTrainedModel


class ModelFacts(nn.Module):
    """Sizes, limits and settings of a model.

    Attributes:
        model: The transformers model.
    """

    model: PreTrainedModel

    @property
    def hidden_size(self) -> int:
        """H, the size of a token's state."""
        return self.model.config.hidden_size

    @property
    def num_layers(self) -> int:
        """L, the number of transformer layers."""
        return self.model.config.num_hidden_layers

    @property
    def settings(self) -> str:
        """What the states depend on beside weights: the model's config, without where it was read from."""
        known = self.model.config.to_dict()
        return json.dumps({k: known[k] for k in sorted(known) if k != "_name_or_path"}, default=str)

    @property
    def max_length(self) -> int | None:
        """The longest input in tokens that the position embeddings allow, or None where there is no such limit."""
        limit = getattr(self.model.config, "max_position_embeddings", None)
        if limit is None or limit <= 0:
            return None
        # RoBERTa and its kin number positions from padding_idx + 1, so that many of the embeddings are never used.
        positions = getattr(getattr(self.model, "embeddings", None), "position_embeddings", None)
        padding = getattr(positions, "padding_idx", None)
        return limit if padding is None else limit - padding - 1

    @property
    def dropout(self) -> float:
        """The dropout that transformers puts before a classification head on this encoder."""
        config = self.model.config
        names = ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob", "dropout")
        return next((value for name in names if (value := getattr(config, name, None)) is not None), 0.1)

    @property
    def initializer_range(self) -> float:
        """Standard deviation with which transformers initialises a new linear layer of this encoder."""
        return getattr(self.model.config, "initializer_range", 0.02)

    @property
    def gives_attentions(self) -> bool:
        """Whether the attention implementation returns its weights: eager does."""
        return self.model.config._attn_implementation == "eager"

    @property
    def dtype(self) -> str:
        """Type that the model's weights are held in: float32, bfloat16, float16."""
        return str(self.model.dtype).removeprefix("torch.")

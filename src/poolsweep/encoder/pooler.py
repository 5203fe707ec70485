"""The pooler of a transformers model, called as BERT's is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class DensePooler(nn.Module):
    """A dense layer over the first token and an activation, of models that keep the two apart.

    Args:
        dense: Layer from H to H.
        activation: The model's activation.
    """

    def __init__(self, dense: nn.Linear, activation: nn.Module) -> None:
        super().__init__()
        self.dense = dense
        self.activation = activation

    def forward(self, hidden: Tensor) -> Tensor:
        """Pool.

        Shape:
            hidden (B, T, H); returns (B, H).
        """
        return self.activation(self.dense(hidden[:, 0]))


def pooler_of(model: PreTrainedModel) -> nn.Module | None:
    """A module from hidden states (B, T, H) to the model's ``pooler_output`` (B, H); None if it has none.

    In ALBERT and BigBird ``pooler`` is the dense layer alone; the model chooses the token and applies an activation.
    """
    pooler = getattr(model, "pooler", None)
    if not isinstance(pooler, nn.Linear):
        return pooler
    activation = getattr(model, "pooler_activation", None) or getattr(model, "activation", None)
    return DensePooler(pooler, activation) if isinstance(activation, nn.Module) else None


def reinitialise_pooler(pooler: nn.Module, *, std: float, seed: int) -> None:
    """Draw a fresh pooler's weights, as transformers would: normal weights, zero biases.

    Args:
        pooler: A pooler whose weights no checkpoint carried.
        std: Standard deviation of the weights: the encoder's ``initializer_range``.
        seed: Seed: the run's ``init_seed``.
    """
    generator = torch.Generator().manual_seed(seed)
    for parameter in pooler.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=std, generator=generator)
        else:
            nn.init.zeros_(parameter)

"""AdamW with a rate for the encoder, one for what is new, and decay where it belongs."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from torch.optim import AdamW

from poolsweep.bounds import NonNegativeFloat, PositiveFloat, Probability


def adamw(
    *,
    encoder: nn.Module | None,
    pooling: nn.Module,
    head: Iterable[nn.Module],
    lr: NonNegativeFloat = 5e-5,
    head_lr: NonNegativeFloat = 5e-4,
    pooling_lr: NonNegativeFloat = 5e-4,
    weight_decay: NonNegativeFloat = 0.01,
    betas: tuple[Probability, Probability] = (0.9, 0.999),
    eps: PositiveFloat = 1e-8,
    fused: bool = True,
) -> AdamW:
    """Make an AdamW whose decoupled decay spares biases, LayerNorm weights and other vectors.

    Args:
        encoder: Trained at ``lr``; None if it is frozen.
        pooling: Trained at ``pooling_lr``, if it has parameters.
        head: Post-processing and head, trained at ``head_lr``.
        lr: Learning rate of the encoder.
        head_lr: Learning rate of the head, which starts from random weights.
        pooling_lr: Learning rate of the pooling, which does too. A linear head on standardised features bears ten times
            the rate of an attention or an LSTM.
        weight_decay: Decay of matrices alone.
        betas: Decay rates of the moments.
        eps: Added to the denominator.
        fused: One kernel for all parameters.
    Reference:
        Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", arXiv:1711.05101; which parameters are
        spared as in transformers' ``Trainer``.
    """
    groups = []
    rates = (([encoder] if encoder is not None else [], lr), ([pooling], pooling_lr), (list(head), head_lr))
    for modules, rate in rates:
        parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        groups.append({"params": matrices, "lr": rate, "weight_decay": weight_decay})
        groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
    return AdamW([g for g in groups if g["params"]], lr=lr, betas=betas, eps=eps, fused=fused)

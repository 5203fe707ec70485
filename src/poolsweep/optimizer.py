"""AdamW with a rate for the encoder, one for what is new, and decay where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import nn
from torch.optim import AdamW

from poolsweep.bounds import Decay, NonNegativeFloat, PositiveFloat, Probability
from poolsweep.encoder import Encoder
from poolsweep.encoder.trainable import blocks_of


def adamw(
    *,
    encoder: nn.Module | None,
    pooling: nn.Module,
    head: Iterable[nn.Module],
    lr: NonNegativeFloat = 5e-5,
    layer_decay: Decay = 1.0,
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
        layer_decay: Factor from the rate of a layer to that of the one below. The top layer that is run has ``lr``, the
            embeddings have the lowest rate; 1 = one rate.
        head_lr: Learning rate of the head, which starts from random weights.
        pooling_lr: Learning rate of the pooling, which does too. A linear head on standardised features bears ten times
            the rate of an attention or an LSTM.
        weight_decay: Decay of matrices alone.
        betas: Decay rates of the moments.
        eps: Added to the denominator.
        fused: One kernel for all parameters.
    Reference:
        Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", arXiv:1711.05101; which parameters are
        spared as in transformers' ``Trainer``. ``layer_decay``: Howard and Ruder (2018), "Universal Language Model
        Fine-tuning for Text Classification", arXiv:1801.06146, and Sun et al. (2019), arXiv:1905.05583. Differs: of
        ELECTRA's and BEiT's code, where the top layer has a rate below ``lr`` already.
    """
    rates = [*_encoder_rates(encoder, lr, layer_decay)]
    rates += [(pooling.parameters(), pooling_lr), ((p for module in head for p in module.parameters()), head_lr)]
    groups = []
    for members, rate in rates:
        parameters = [p for p in members if p.requires_grad]
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        groups.append({"params": matrices, "lr": rate, "weight_decay": weight_decay})
        groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
    return AdamW([g for g in groups if g["params"]], lr=lr, betas=betas, eps=eps, fused=fused)


def _encoder_rates(
    encoder: nn.Module | None, lr: float, layer_decay: float
) -> Iterator[tuple[Iterable[nn.Parameter], float]]:
    """Parameters of an encoder with their rate: all at once, or each block, the embeddings first."""
    if encoder is None:
        return
    if layer_decay == 1:
        yield encoder.parameters(), lr
        return
    assert isinstance(encoder, Encoder), "layers are found in an Encoder"
    blocks = blocks_of(encoder)
    top = max(blocks.values())
    for block in range(top + 1):
        yield [p for name, p in encoder.named_parameters() if blocks[name] == block], lr * layer_decay ** (top - block)

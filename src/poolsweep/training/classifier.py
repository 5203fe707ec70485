"""Makes the LightningModule: what the sizes of encoder, pooling and labels decide."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from poolsweep.device import canonical_precision
from poolsweep.encoder import Encoder
from poolsweep.errors import UserError
from poolsweep.model.classifier import Classifier
from poolsweep.pooling import Pooling
from poolsweep.postprocess.base import Postprocess
from poolsweep.training.make import make


def build_classifier(
    config: Mapping[str, Any], encoder: Encoder, pooling: Pooling, *, num_labels: int, encoder_runs: bool
) -> Classifier:
    """Make the LightningModule.

    Args:
        config: Resolved and validated.
        encoder: Its sizes decide the head's.
        pooling: Fits the encoder.
        num_labels: C.
        encoder_runs: False if every batch carries stored states of the frozen encoder.
    """
    if encoder_runs and not encoder.frozen and not pooling.context_needed & {"pooler_output", "attentions"}:
        encoder.keep_layers(max(pooling.layers_needed))
    if encoder_runs and pooling.tokens.reads_first_token:
        encoder.keep_first_tokens()
    head = config["head"] | ({"dropout": encoder.dropout} if config["head"].get("dropout", 0) is None else {})
    postprocess = build_postprocess(config, size=pooling.output_size, frozen=encoder.frozen)
    made_head = make(
        head, input_size=postprocess.output_size, num_labels=num_labels, initializer_range=encoder.initializer_range
    )
    # In float16 a fused optimizer would unscale gradients after they have been clipped.
    fused = canonical_precision(config["trainer"]["precision"]) != "16-mixed"
    return Classifier(
        encoder=encoder if encoder_runs else None,
        pooling=pooling,
        postprocess=postprocess,
        head=made_head,
        loss=make(config["loss"]),
        num_labels=num_labels,
        make_optimizer=partial(make, {**config["optimizer"], "fused": fused}),
        make_scheduler=partial(make, config["scheduler"]),
    )


def build_postprocess(config: Mapping[str, Any], *, size: int, frozen: bool) -> Postprocess:
    """Make what changes pooled vectors.

    Args:
        config: Resolved and validated.
        size: D of the pooling.
        frozen: Whether the encoder is.
    Raises:
        UserError: If it does not fit such vectors.
    """
    sized: dict[str, Any] = {"size": size}
    if config["postprocess"]["_target_"].endswith(".auto"):
        sized["frozen"] = frozen
    try:
        return make(config["postprocess"], **sized)
    except ValueError as error:
        raise UserError(str(error)) from error

"""Makes the classifier: what the sizes of encoder, pooling and labels decide."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from hydra.utils import get_object

from poolsweep.config import RunConfig
from poolsweep.encoder import Encoder
from poolsweep.encoder.trainable import choose_trained, reinitialise
from poolsweep.errors import UserError
from poolsweep.features import FeatureRequest
from poolsweep.model.classifier import Classifier
from poolsweep.model.own_metrics import OwnMetrics
from poolsweep.model.r_drop import RDrop
from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.pairs import Pairs
from poolsweep.pooling import Pooling
from poolsweep.postprocess.base import Postprocess
from poolsweep.postprocess.each_tower import EachTower
from poolsweep.tasks import Contract
from poolsweep.training.failure import in_one_line
from poolsweep.training.make import make


def build_classifier(
    config: RunConfig,
    encoder: Encoder,
    pooling: Pooling,
    contract: Contract,
    *,
    features: FeatureRequest | None = None,
    kind: Callable[..., Classifier] = Classifier,
) -> Classifier:
    """Make the classifier.

    Args:
        config: The run's, validated.
        encoder: Encoder, whose sizes decide the head's.
        pooling: Fits the encoder.
        contract: Target contract; its number of outputs is the head's.
        features: The request whose stored features every batch carries; None = the encoder is run.
        kind: Makes it of its parts.
    """
    if not encoder.frozen:
        encoder.keep_layers(highest_layer(pooling, encoder))
        reinitialise(encoder, seed=config.init_seed)
        choose_trained(encoder)
    if features is None and pooling.tokens.reads_first_token:
        encoder.keep_first_tokens()
    own = {"dropout": encoder.dropout} if "dropout" in config.head and config.head["dropout"] is None else {}
    pairs = make(config.pairs)
    postprocess = build_postprocess(config, pairs, pooling, frozen=encoder.frozen)
    head = make(
        config.head, input_size=postprocess.output_size, num_labels=len(contract),
        initializer_range=encoder.initializer_range, **own,
    )  # fmt: skip
    loss, r_drop = make(config.loss), None
    if config.r_drop:
        r_drop = RDrop(config.r_drop, divergence=partial(config.task.divergence, contract), loss=loss)
    return kind(
        encoder=encoder if features is None else None,
        features=features,
        pooling=pooling,
        pairs=pairs,
        postprocess=postprocess,
        head=head,
        loss=loss,
        for_loss=partial(config.task.for_loss, contract),
        metrics=partial(SplitMetrics, config.task, contract, config.metrics),
        own_metrics=_own_metrics(config),
        r_drop=r_drop,
    )


def highest_layer(pooling: Pooling, encoder: Encoder) -> int:
    """The highest hidden state that is read: layers above it are not run where the encoder is trained."""
    if pooling.context_needed & {"pooler_output", "attentions"}:
        return encoder.num_layers
    return max(pooling.layers_needed)


def _own_metrics(config: RunConfig) -> OwnMetrics | None:
    """Metrics of the user's own.

    Raises:
        UserError: If one cannot be made.
    """
    found = {}
    for name, node in config.own_metrics.items():
        try:
            found[name] = make(node)
        except Exception as error:
            raise UserError(f"own_metrics.{name} cannot be made: {in_one_line(error)}") from error
    if not found:
        return None
    return OwnMetrics(found, predicted=config.task.predicted, monitor=config.monitor)


def build_postprocess(config: RunConfig, pairs: Pairs, pooling: Pooling, *, frozen: bool) -> Postprocess:
    """Make what changes the vectors that the head reads, or each of two vectors that it compares.

    Args:
        config: The run's.
        pairs: Makes one vector of what is pooled of a row.
        pooling: Pooling whose size decides that of the vectors.
        frozen: Whether the encoder is.
    Raises:
        UserError: If it does not fit such vectors, or these are not what the head compares.
    """
    compares = getattr(get_object(config.head.target), "compares_towers", False)
    if compares and getattr(pairs, "combine", None) != ["u", "v"]:
        raise UserError("head=cosine compares the vectors of two texts: pairs=siamese pairs.combine=[u,v]")
    node = config.postprocess
    sized: dict[str, Any] = {"size": pooling.output_size if compares else pairs.output_size(pooling.output_size)}
    if "frozen" in inspect.signature(get_object(node.target)).parameters:
        sized["frozen"] = frozen
    try:
        made = make(node, **sized)
    except ValueError as error:
        raise UserError(str(error)) from error
    return EachTower(made) if compares else made

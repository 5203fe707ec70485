"""What a run reads and the model that reads it, however its head is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from poolsweep.config import RunConfig
from poolsweep.loss.loss import Loss
from poolsweep.model.classifier import Classifier
from poolsweep.runs.status import StatusFile
from poolsweep.training.classifier import build_classifier, build_postprocess
from poolsweep.training.inputs import Inputs, feature_rows, text_facts, token_rows
from poolsweep.training.make import make
from poolsweep.training.prepare import Prepared


@dataclass(frozen=True)
class Assembled:
    """A model beside its data.

    Attributes:
        classifier: Not trained yet; its loss knows the training split.
        data: Split name → token ids, or stored features of a frozen encoder.
        text_facts: What the result says of texts, see ``inputs.text_facts``.
        row_weights: What each training row counts in the loss, (N,); None = all alike.
    """

    classifier: Classifier
    data: Mapping[str, Any]
    text_facts: Mapping[str, Mapping[str, float]]
    row_weights: torch.Tensor | None


def assemble(
    config: RunConfig,
    prepared: Prepared,
    *,
    status: StatusFile,
    left_out: Collection[str] = (),
    kind: Callable[..., Classifier] = Classifier,
) -> Assembled:
    """Read the texts, make the model, and run a frozen encoder once over what is not stored yet.

    Args:
        config: The run's, validated.
        prepared: From ``prepare``.
        status: Status file, which is told how a pass goes.
        left_out: Splits that are not wanted.
        kind: Makes the classifier of its parts.
    """
    encoder, pooling, pairs = prepared.loaded.encoder, prepared.pooling, make(config.pairs)
    inputs = Inputs(
        prepared.loaded, pooling, config.pooling, prepared.contract, prepared.reading, two_towers=pairs.two_towers
    )
    started = time.monotonic()
    splits = prepared.splits.fitted(selects=config.selects)
    if not config.task.trains and not build_postprocess(config, pairs, pooling, frozen=True).needs_fit:
        splits = splits[1:]
    rows = {split.name: token_rows(split, inputs) for split in splits if split.name not in left_out}
    data: Mapping[str, Any] = rows
    features = None
    if encoder.frozen:
        features, data = feature_rows(config, inputs, rows, status=status)
        status.update(shared_seconds=round(time.monotonic() - started, 3))  # the next run finds it done
    elif "pooler_output" not in pooling.context_needed:
        encoder.drop_pooler()
    classifier = build_classifier(config, encoder, pooling, prepared.contract, features=features, kind=kind)
    weights = None
    if isinstance(classifier.loss, Loss):
        targets = rows["train"].targets
        classifier.loss.fit(prepared.contract, targets.numpy())
        weights = classifier.loss.weights_of(targets)
    return Assembled(classifier, data, text_facts(rows), weights)

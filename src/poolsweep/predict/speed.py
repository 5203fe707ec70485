"""What serving a run costs: texts per second, one at a time and many at once, and the size of its weights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from poolsweep.data.splits import Split
from poolsweep.errors import UserError
from poolsweep.predict.run_model import RunModel
from poolsweep.runs.environment import hardware
from poolsweep.runs.speed import Speed
from poolsweep.training.sources import load_data

_SIZES = (1, 64)
_CALLS = {1: 48, 64: 6}  # of each pass
_PASSES = 3
_SECONDS = 3.0  # of a pass, so that a large encoder on a slow machine takes no minutes
_TEXTS = 512


def measure_speed(model: RunModel, split: Split) -> Speed:
    """Time the whole way from texts to predictions: the median of three passes, after one call that warms up.

    Args:
        model: One run.
        split: Texts that are typical of what it is to read; they are read again and again if they are few.
    """
    rows = split.rows[:_TEXTS]
    texts, pairs = list(rows["text"]), list(rows["text_pair"]) if split.is_pair else None
    rates = {size: median(_rate(model, texts, pairs, size=size) for _ in range(_PASSES)) for size in _SIZES}
    found = hardware(accelerator=model.engine.place.device.type, devices=1)
    threads = f"{found['threads']} thread{'s' * (found['threads'] != 1)}"
    name = f"{found['device']}, {threads}, precision {model.engine.place.precision}"
    return Speed(rates, _weight_bytes(model), name, len(texts))


def own_test_split(model: RunModel) -> Split:
    """The run's own test split; where all rows were fitted, those that selected.

    Args:
        model: One run.
    Raises:
        UserError: If its data cannot be read.
    """
    try:
        splits, _ = load_data(model.run.config.data, model.task)
        return splits.test or splits.validation
    except UserError as error:
        raise UserError(*error.problems, f"{model.name}: --data FILE gives other texts to measure with") from error


def _rate(model: RunModel, texts: Sequence[str], pairs: Sequence[str] | None, *, size: int) -> float:
    """Texts per second in calls of so many texts."""

    def call(number: int) -> None:
        chosen = [i % len(texts) for i in range(number * size, (number + 1) * size)]
        model.predict([texts[i] for i in chosen], None if pairs is None else [pairs[i] for i in chosen])

    call(0)
    begun, calls = time.perf_counter(), 0
    while calls < _CALLS[size] and (not calls or time.perf_counter() - begun < _SECONDS):
        call(calls)
        calls += 1
    return calls * size / (time.perf_counter() - begun)


def _weight_bytes(model: RunModel) -> int:
    """Bytes of all weights, each counted once."""
    classifier = model.run.classifier
    sizes = {one.data_ptr(): one.nbytes for one in (*classifier.parameters(), *classifier.buffers())}
    return sum(sizes.values())

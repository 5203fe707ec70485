"""Which runs follow in this process, so that one pass of a frozen encoder stores what all of their poolings read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from poolsweep.config import Node, RunConfig
from poolsweep.data.reading import Reading
from poolsweep.encoder import LoadedEncoder
from poolsweep.pooling import Pooling
from poolsweep.training.pooling import build_pooling
from poolsweep.training.reading import reading_of_run

_EXPECTED: ContextVar[Sequence[RunConfig]] = ContextVar("expected", default=())


@contextmanager
def expecting(configs: Sequence[RunConfig]) -> Iterator[None]:
    """Let runs in this block know of each other.

    Args:
        configs: Configs of runs that are going to be made, all of which have been checked.
    """
    token = _EXPECTED.set(configs)
    try:
        yield
    finally:
        _EXPECTED.reset(token)


def expected_poolings(config: RunConfig, loaded: LoadedEncoder, reading: Reading) -> list[tuple[Pooling, Node]]:
    """Each pooling that other runs have on the same texts, read in the same way by the same encoder; with its node.

    Args:
        config: Config of the run that is being made.
        loaded: Encoder and tokenizer of that run.
        reading: How it reads texts.
    """
    alike = [one for one in _EXPECTED.get() if one.encoder == config.encoder and one.data == config.data]
    by_pooling = {str(one.pooling): one for one in alike}.values()
    with torch.random.fork_rng(devices=[]):  # weights that are made to ask for sizes are no part of this run
        made = [(build_pooling(one.pooling, loaded), one) for one in by_pooling]
    return [(pooling, one.pooling) for pooling, one in made if reading_of_run(one, loaded, pooling) == reading]

"""Loads and checks what a run reads: data, labels, encoder, pooling."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hydra.utils import get_class

from poolsweep.config import RunConfig
from poolsweep.config.encoder import precision_problems
from poolsweep.config.fine_tuning import fine_tuning_needs
from poolsweep.config.probe import probe_needs
from poolsweep.data.reading import Reading
from poolsweep.data.splits import Splits
from poolsweep.data.text_reader import reader
from poolsweep.encoder import Encoder, LoadedEncoder
from poolsweep.encoder.encoder import PACKING_OFF
from poolsweep.errors import UnfitPoolingError, UserError
from poolsweep.loss.loss import Loss
from poolsweep.pairs import Pairs
from poolsweep.pooling import Pooling
from poolsweep.tasks import Contract
from poolsweep.training.classifier import build_postprocess, highest_layer
from poolsweep.training.encoder import load_encoder
from poolsweep.training.failure import in_one_line
from poolsweep.training.make import make
from poolsweep.training.pooling import build_pooling
from poolsweep.training.reading import cut_of, reading_of_run
from poolsweep.training.sources import load_data


@dataclass(frozen=True)
class Prepared:
    """What a run reads, loaded and checked.

    Attributes:
        splits: Texts and targets.
        contract: The target contract.
        loaded: Encoder and tokenizer.
        pooling: Fits the encoder.
        reading: How texts are read.
        stride_unused: ``data.stride`` where no windows are read; None = it was not given, or is used.
    """

    splits: Splits
    contract: Contract
    loaded: LoadedEncoder
    pooling: Pooling
    reading: Reading
    stride_unused: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done that a user would want to know: splits made, weights that are new."""
        encoder = self.loaded.encoder
        notes = [*self.splits.notes, *self.splits.cautions, *self.loaded.notes]
        if encoder.pooler_is_fresh and "pooler_output" in self.pooling.context_needed:
            fate = "frozen as it is" if encoder.frozen else "trained with the encoder"
            notes.append(f"{encoder.name} carries no pooler weights: its pooler is new, and {fate}")
        if self.pooling.tokens.uses_cls and self.loaded.cls_place == "last":
            notes.append(f"{encoder.name} has [CLS] behind a text; it is read there")
        elif self.pooling.tokens.uses_cls and self.loaded.cls_place is None:
            notes.append(f"the tokenizer of {encoder.name} adds no [CLS]; the first token is read in its place")
        if self.reading.prefix:
            notes.append(f"{self.reading.prefix!r} is put before every text")
        if not encoder.packs and encoder.unpacked_because != PACKING_OFF:
            notes.append(f"{encoder.name} reads padded batches, since {encoder.unpacked_because}")
        if self.stride_unused is not None:
            notes.append(f"data.stride={self.stride_unused} is of windows, and this pooling/chunks reads none")
        return tuple(notes)


def prepare(config: RunConfig, *, faulty: Collection[str] = ()) -> Prepared:
    """Load data and encoder and make the pooling, naming all problems at once.

    Args:
        config: The run's, validated.
        faulty: Parts that validation found something wrong with: nothing of them is made, and no run either.
    Raises:
        UnfitPoolingError: If nothing but the pooling is wrong.
        UserError: With every problem of the files, the labels, the encoder and what the pooling asks of it.
    """
    problems: list[str] = []
    unfit: list[str] = []
    splits = contract = loaded = pooling = pairs = None
    if not {"data", "task"} & set(faulty):
        with _collected(problems, part="data"):
            splits, contract = load_data(config.data, config.task, config.rows, data_seed=config.data_seed)
    loss = config.loss
    if contract is not None and "loss" not in faulty and issubclass(get_class(loss.target), Loss):
        with _collected(problems, part="loss"):
            make(loss).check(contract)
    if "pairs" not in faulty:
        with _collected(problems, part="pairs"):
            pairs = make(config.pairs)
    if splits is not None and pairs is not None and pairs.two_towers:
        problems += _pair_problems(config, splits)
    if pairs is not None and not pairs.two_towers and config.encoder.get("prefix_pair") is not None:
        problems.append("encoder.prefix_pair goes with pairs=siamese; a pair that is one input has one prefix")
    low = precision_problems(config.content, str(config.encoder.get("dtype")))
    problems += low
    if not low and not {"encoder", "pooling"} & set(faulty):
        with _collected(problems, part="encoder"):
            loaded = load_encoder(config.encoder, tokens=config.tokens, init_seed=config.init_seed)
    if loaded is not None:
        problems += _weights_problems(config, loaded.encoder)
        with _collected(unfit, part="pooling"):
            pooling = build_pooling(config.pooling, loaded)
    if loaded is not None and pooling is not None:
        with _collected(unfit, part="pooling"):  # a template or a stride may be longer than an input
            reader(loaded.tokenizer, reading_of_run(config, loaded, pooling), pair=False)
    if splits is not None and splits.train.is_pair and pairs is not None and not pairs.two_towers:
        unfit += _joint_problems(config)
    if loaded is not None and pooling is not None and pairs is not None:
        unfit += _fit_problems(config, pooling, pairs, loaded.encoder, faulty=faulty)
    if faulty:
        raise UserError(*problems, *unfit)
    limit = None if loaded is None else loaded.encoder.max_length
    if limit is not None and (config.loading.given_length or 0) > limit:
        problems.append(
            f"data.max_length must be at most the encoder's {limit} tokens, got {config.loading.max_length}"
        )
    if unfit and not problems:
        raise UnfitPoolingError(*unfit)
    if problems or splits is None or contract is None or loaded is None or pooling is None:
        raise UserError(*problems, *unfit)
    reading = reading_of_run(config, loaded, pooling)
    unused = config.loading.stride if reading.cut.keep != "windows" else None
    return Prepared(splits, contract, loaded, pooling, reading, unused)


def _weights_problems(config: RunConfig, encoder: Encoder) -> list[str]:
    """What does not go with the weights that the encoder turned out to have."""
    problems = precision_problems(config.content, encoder.dtype) if config.encoder.get("dtype") == "auto" else []
    quantize = config.encoder.get("quantize")
    if quantize is not None and config.accelerator != "cuda":
        problems.append(f"encoder.quantize={quantize} needs trainer.accelerator=cuda, got {config.accelerator}")
    return problems


def _pair_problems(config: RunConfig, splits: Splits) -> list[str]:
    """What keeps each text of a pair from being an input of its own."""
    if not splits.train.is_pair:
        return ["pairs=siamese needs pairs of texts: data.text_pair=COLUMN names the second of each row"]
    loading = config.loading
    least = 6 * (loading.given_length or 0)  # three rows of two texts
    if loading.batching == "by_tokens" and loading.max_tokens < least:
        return [
            f"data.max_tokens must be at least six times data.max_length={loading.max_length} where a row is two "
            f"texts, got {loading.max_tokens}"
        ]
    return []


def _joint_problems(config: RunConfig) -> list[str]:
    """What cannot be read of two texts in one input."""
    if cut_of(config.pooling, stride=None).keep == "head":
        return []
    return [
        f"pooling={config.pooling_name} cuts single texts, and pairs=joint reads two as one input; pairs=siamese reads "
        "each alone"
    ]


def _fit_problems(
    config: RunConfig, pooling: Pooling, pairs: Pairs, encoder: Encoder, *, faulty: Collection[str]
) -> list[str]:
    """What a way of training asks of a pooling and an encoder, and post-processing of the size of a vector."""
    layers = min(encoder.num_kept, highest_layer(pooling, encoder))
    problems = fine_tuning_needs(config, pooling, encoder=encoder, layers=layers)
    problems += probe_needs(config, pooling, encoder=encoder) if config.is_probe else []
    ours = config.postprocess.target.startswith("poolsweep.")  # the user's own is made once, in its run
    if ours and "postprocess" not in faulty:
        with _collected(problems, part="postprocess"):
            build_postprocess(config, pairs, pooling, frozen=encoder.frozen)
    return problems


@contextmanager
def _collected(problems: list[str], *, part: str) -> Iterator[None]:
    """Add what keeps a part from being made to ``problems``, also where its constructor raises what it likes."""
    try:
        yield
    except UserError as error:
        problems += error.problems
    except Exception as error:
        if os.environ.get("POOLSWEEP_DEBUG") == "1":
            raise
        problems.append(f"{part} cannot be made: {in_one_line(error)}; POOLSWEEP_DEBUG=1 shows where")


def fresh(prepared: Prepared, config: RunConfig) -> Prepared:
    """Make the pooling anew under the run's seed: sweeps prepare all runs before the first is seeded."""
    return replace(prepared, pooling=build_pooling(config.pooling, prepared.loaded))


def as_loaded(prepared: Prepared, config: RunConfig) -> Prepared:
    """What a run begins with, where an attempt may have trained the encoder before it ended."""
    if config.frozen:
        return prepared
    return replace(prepared, loaded=load_encoder(config.encoder, tokens=config.tokens, init_seed=config.init_seed))

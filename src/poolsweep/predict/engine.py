"""The one way from texts to what models make of them: sorted by length, packed, side by side on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import TextReader, reader
from poolsweep.data.token_rows import rows_for
from poolsweep.data.tokenise import tokenise_at_once
from poolsweep.device import accelerator_type, canonical_precision, on_device
from poolsweep.encoder import LoadedEncoder
from poolsweep.errors import UserError, did_you_mean
from poolsweep.features.encoder_pass import EncoderPass
from poolsweep.features.requests import EncodedBatch, PassRequest
from poolsweep.pairs import Joint, Pairs
from poolsweep.tasks import Contract, Task

_JOINT = Joint()
_DEVICES = ("auto", "cpu", "cuda", "mps")
_PRECISIONS = {"32-true": "32", "bf16-mixed": "bf16", "16-mixed": "16"}


@dataclass(frozen=True)
class Place:
    """Where and how exactly a model computes.

    Attributes:
        device: Device that holds its weights.
        precision: Lightning's name of the precision: 32-true, bf16-mixed or 16-mixed.
    """

    device: torch.device
    precision: str

    @classmethod
    def of(cls, device: str = "auto", precision: str = "32") -> Place:
        """The place that was asked for.

        Args:
            device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` = a GPU where there is one.
            precision: ``32``, ``bf16`` or ``16``; the last two multiply in half precision, and keep float32 weights.
        Raises:
            UserError: If there is no such device or precision here.
        """
        full = canonical_precision(precision)
        if full not in _PRECISIONS:
            known = _PRECISIONS.values()
            raise UserError(
                f"precision must be one of {', '.join(known)}, got {precision}{did_you_mean(precision, known)}"
            )
        if device.partition(":")[0] not in _DEVICES and (hint := did_you_mean(device, _DEVICES)):
            raise UserError(f"there is no device {device}{hint}")
        try:
            found = torch.device(accelerator_type(device))
            torch.zeros(1, device=found)
        except Exception as error:  # torch names devices and their lack in errors of many kinds
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"device {device} cannot be used here: {reason}; cpu can") from error
        return cls(found, full)


@dataclass(frozen=True)
class Vectors(PassRequest):
    """The pooled vectors, before post-processing and head."""

    @property
    def size(self) -> int:
        """Numbers of each text."""
        return self.pooling.output_size

    @property
    def reads_first_token(self) -> bool:
        """As the pooling says."""
        return self.pooling.tokens.reads_first_token

    def pool(self, encoded: EncodedBatch) -> Tensor:
        """The pooled vectors of a batch."""
        states = tuple(encoded.hidden[layer] for layer in self.pooling.layers_needed)
        return self.pooling(states, encoded.mask, encoded.context)

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """The whole pooling."""
        return {self.name: self.pool(encoded)}

    def of_vectors(self, pooled: Tensor) -> Tensor:
        """What is wanted, of the pooled vectors of both texts of some pairs.

        Shape:
            pooled (2N, D), the second texts behind the first; returns (N, …).
        """
        raise TypeError("each text of a pair has a vector of its own")


class Scores(Protocol):
    """What follows a pooling: the classifier of a run, or the head of an export."""

    def logits(self, pooled: Tensor) -> Tensor:
        """The logits of pooled vectors."""
        ...


@dataclass(frozen=True)
class Predicted(Vectors):
    """What the task predicts: probabilities for a classification.

    Attributes:
        classifier: Classifier whose post-processing and head are run; its encoder is not.
        task: Says what logits mean.
        contract: Says what each logit is.
        pairs: Makes one vector of what is pooled of a row.
    """

    classifier: Scores
    task: Task
    contract: Contract
    pairs: Pairs = _JOINT

    @property
    def size(self) -> int:
        """Numbers of each text."""
        return len(self.contract)

    def compute(self, encoded: EncodedBatch) -> dict[str, Tensor]:
        """Pooling, post-processing, head."""
        return {self.name: self.of_vectors(self.pool(encoded))}

    def of_vectors(self, pooled: Tensor) -> Tensor:
        """Post-processing, head."""
        return self.task.predicted(self.contract, self.classifier.logits(self.pairs(pooled)))


@dataclass(frozen=True)
class Engine:
    """An encoder with its tokenizer, ready for texts.

    Attributes:
        loaded: Encoder and tokenizer; the encoder is moved to the place and put into eval mode.
        reading: How texts are read.
        place: Device and precision.
        two_towers: Whether the texts of a pair are read one by one.
    """

    loaded: LoadedEncoder
    reading: Reading
    place: Place
    two_towers: bool = False

    def run(
        self, texts: Sequence[str], pairs: Sequence[str] | None, wanted: Sequence[Vectors]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """What is wanted of some texts, in their order, in one pass of the encoder.

        Args:
            texts: Any number that fits into memory.
            pairs: The second text of each, where they come in pairs.
            wanted: Requests of different names.
        Returns:
            One float32 array (N, …) per request, and (N,) bool, whether a text was cut.
        """
        found = [np.empty((len(texts), each.size), dtype=np.float32) for each in wanted]
        if not len(texts):
            return found, np.zeros(0, dtype=bool)
        if pairs is not None and self.two_towers:
            return self._of_pairs(texts, pairs, wanted)
        tokens = tokenise_at_once(self._pairs if pairs is not None else self._singles, texts, pairs)
        encoder, place = self.loaded.encoder.eval(), self.place
        encoder.to(place.device)
        context = frozenset().union(*(each.context for each in wanted))
        rows = rows_for(self.loaded, tokens, context=context)
        order: list[int] = []
        parts: list[list[Tensor]] = [[] for _ in wanted]
        with closing(EncoderPass(rows, encoder, place.device, place.precision).features(wanted)) as batches:
            for indices, values in batches:
                order += indices
                for part, each in zip(parts, wanted, strict=True):
                    part.append(values[each.name].float())
        for result, part in zip(found, parts, strict=True):  # once per window: each copy waits for the device
            result[order] = torch.cat(part).cpu().numpy()
        return found, tokens.truncated

    def _of_pairs(
        self, texts: Sequence[str], pairs: Sequence[str], wanted: Sequence[Vectors]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """As ``run``, where each text of a pair has a vector of its own: all are read in one pass."""
        vectors = [Vectors(each.pooling, each.name) for each in wanted]
        pooled, truncated = self._of_towers(texts, pairs, vectors)
        found = []
        with torch.inference_mode():
            for each, values in zip(wanted, pooled, strict=True):
                moved = on_device(torch.from_numpy(values), self.place.device)
                found.append(each.of_vectors(moved).float().cpu().numpy())
        return found, truncated[: len(texts)] | truncated[len(texts) :]

    def _of_towers(
        self, texts: Sequence[str], pairs: Sequence[str], vectors: Sequence[Vectors]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """The vectors of both texts of each pair, the second ones behind the first; one pass if all are read alike."""
        second = self.reading.of_second
        if second == self.reading:
            return self.run([*texts, *pairs], None, vectors)
        runs = [self.run(texts, None, vectors), replace(self, reading=second).run(pairs, None, vectors)]
        pooled = [np.concatenate(parts) for parts in zip(*(values for values, _ in runs), strict=True)]
        return pooled, np.concatenate([truncated for _, truncated in runs])

    @cached_property
    def _singles(self) -> TextReader:
        return self._reader(pair=False)

    @cached_property
    def _pairs(self) -> TextReader:
        return self._reader(pair=True)

    def _reader(self, *, pair: bool) -> TextReader:
        return reader(self.loaded.tokenizer, self.reading, pair=pair)

"""One pass of an encoder that is not being trained over texts."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poolsweep.data.batch import Batch
from poolsweep.data.encode import encode
from poolsweep.data.token_rows import TokenRows
from poolsweep.encoder.encoder import Encoder
from poolsweep.encoder.output import EncoderOutput
from poolsweep.encoder.parallel_encode import parallel_encode
from poolsweep.features.requests import EncodedBatch, PassRequest

# Padded tokens of one batch of the pass; fixed, since batch composition moves features by 1e-6. A CPU is fastest where
# what a layer works on stays in its cache, by a fifth here; another device where it has much to do at once.
_TOKENS_ON_CPU = 1024
_TOKENS = 8192


@dataclass(frozen=True)
class EncoderPass:
    """Encodes texts in batches of similar length.

    Attributes:
        rows: The texts' token ids.
        encoder: In eval mode, on ``device``.
        device: Device of the pass.
        precision: Lightning's name of the precision: 32-true, bf16-mixed, 16-mixed, …
    """

    rows: TokenRows
    encoder: Encoder
    device: torch.device
    precision: str

    def features(
        self, requests: Sequence[PassRequest], *, rows: Sequence[int] | None = None
    ) -> Generator[tuple[list[int], dict[str, Tensor]]]:
        """What the requests want of every text: positions of a batch's rows, and name → (B, …).

        Poolings are computed by the thread that asks, one batch after the other.

        Args:
            requests: One or more requests.
            rows: Rows to encode as one batch, instead of all.
        """
        depth = self.encoder.num_layers
        layers = sorted({layer for request in requests for layer in request.layers_read(depth)})
        context = frozenset().union(*(request.context for request in requests)) & {"pooler_output", "attentions"}
        first_tokens = all(request.reads_first_token for request in requests) and not self.rows.cls_is_last

        def run(encoder: Encoder, indices: list[int]) -> tuple[Batch, EncoderOutput]:
            batch = self.rows.__getitems__(indices)
            batch = batch if self.device.type == "cpu" else batch.to(self.device)
            with torch.inference_mode(), self._autocast():
                return batch, encode(encoder, batch, layers=layers, context=context, first_tokens=first_tokens)

        batches = self._batches() if rows is None else [list(rows)]
        with closing(parallel_encode(self.encoder, batches, run)) as encoded:
            for indices, (batch, output) in encoded:
                with torch.inference_mode(), self._autocast():
                    hidden = dict(zip(layers, output.hidden, strict=True))
                    done = EncodedBatch(hidden, output.mask, batch.context(output.pooler_output, output.attentions))
                    found = {name: rows for each in requests for name, rows in each.compute(done).items()}
                yield indices, found

    def _batches(self) -> list[list[int]]:
        tokens = _TOKENS_ON_CPU if self.device.type == "cpu" else _TOKENS
        return _length_sorted_batches(self.rows.tokenised.lengths, tokens=tokens)

    def _autocast(self) -> AbstractContextManager[object]:
        dtypes = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
        dtype = dtypes.get(self.precision)
        return torch.autocast(self.device.type, dtype=dtype) if dtype is not None else nullcontext()


def _length_sorted_batches(lengths: np.ndarray, *, tokens: int) -> list[list[int]]:
    """Batches of at most ``tokens``; one that is half full ends with its length, so that most have no padding."""
    order = np.argsort(lengths, kind="stable")
    batches: list[list[int]] = [[]]
    for row in order.tolist():
        batch, length = batches[-1], lengths[row]
        is_full = length * (len(batch) + 1) > tokens
        if batch and (is_full or (length > lengths[batch[-1]] and 2 * lengths[batch[-1]] * len(batch) >= tokens)):
            batches.append([])
        batches[-1].append(row)
    return [batch for batch in batches if batch]

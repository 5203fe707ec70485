"""States of a frozen encoder, computed once and shared by every run that reads them.

A store is a folder of memory-mapped arrays for one (weights, tokenizer, texts, max length, precision, template):

    vectors-<tokens>.npy   (N, L + 1, H)  one parameter-free token pooling of every layer
    pooler-<weights>.npy   (N, H)         the encoder's own pooler
    pooled-<key>.npy       (N, D)         a parameter-free pooling that cannot pool its layers one by one
    states-<layer>.npy     (ΣT, H)        all token states of a layer, for poolings with parameters
    lengths.npy            (N,)           tokens of each text

An array that exists under its final name is whole: it is written under another name and renamed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xxhash
from filelock import FileLock
from torch import nn

from poolsweep.data.batch import Batch
from poolsweep.data.token_rows import TokenRows
from poolsweep.encoder.encoder import Encoder
from poolsweep.features.requests import FeatureRequest, batch_features

_PASS_TOKENS = 8192  # padded tokens of one batch of the pass; fixed, since batch composition moves features by 1e-6

Progress = Callable[[int, int], None]


def weights_hash(module: nn.Module) -> str:
    """A fingerprint of a module's parameters and buffers."""
    digest = xxhash.xxh3_128()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()


@dataclass(frozen=True)
class FeatureStore:
    """Where the features of one split lie, and how to make those that are missing.

    Attributes:
        folder: One folder per split and encoder.
        rows: The split's token ids.
        encoder: The frozen encoder.
        device: Where the pass runs.
        precision: Lightning's name of the pass's precision: 32-true, bf16-mixed, 16-mixed, …
    """

    folder: Path
    rows: TokenRows
    encoder: Encoder
    device: torch.device
    precision: str

    def ensure(
        self,
        requests: Sequence[FeatureRequest],
        *,
        alongside: Callable[[], Sequence[FeatureRequest]] = list,
        on_progress: Progress | None = None,
    ) -> None:
        """Make every array that ``requests`` name and that is not there yet, in one pass over the texts.

        Args:
            requests: What poolings are going to read.
            alongside: Gives what else to write if a pass has to be made anyway.
            on_progress: Called with texts done and texts in all.
        """
        if not self._missing(requests):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            missing = self._missing(requests)  # another process may have made them meanwhile
            if missing:
                named = [request.arrays for request in missing]
                missing += [request for request in self._missing(alongside()) if request.arrays not in named]
                self._write(missing, on_progress or (lambda done, total: None))

    def array(self, name: str) -> np.ndarray:
        """An array of the store, memory-mapped read-only."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")

    def _missing(self, requests: Sequence[FeatureRequest]) -> list[FeatureRequest]:
        return [r for r in requests if any(not (self.folder / f"{name}.npy").exists() for name in r.arrays)]

    def _write(self, requests: Sequence[FeatureRequest], on_progress: Progress) -> None:
        lengths = self.rows.tokenised.lengths
        writer = _ArrayWriter(self.folder, lengths=lengths)
        layers = sorted({layer for request in requests for layer in request.layers_read(self.encoder.num_layers)})
        context = frozenset().union(*(request.context for request in requests))
        self.encoder.to(self.device)
        done = 0
        for indices in _length_sorted_batches(lengths):
            batch = self.rows.__getitems__(indices).to(self.device)
            with torch.inference_mode(), self._autocast():
                found = self._encode(batch, requests, layers=layers, context=context)
            for name, values in found.items():
                writer.put(name, indices, values.float().cpu().numpy())
            done += len(indices)
            on_progress(done, len(lengths))
        writer.finish()

    def _encode(
        self, batch: Batch, requests: Sequence[FeatureRequest], *, layers: Sequence[int], context: frozenset[str]
    ) -> dict[str, torch.Tensor]:
        assert batch.input_ids is not None
        wanted = context & {"pooler_output", "attentions"}
        output = self.encoder(batch.input_ids, batch.mask, batch.token_type_ids, layers=layers, context=wanted)
        return batch_features(requests, output, batch=batch, layers=layers, num_layers=self.encoder.num_layers)

    def _autocast(self) -> AbstractContextManager[object]:
        dtypes = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
        dtype = dtypes.get(self.precision)
        return torch.autocast(self.device.type, dtype=dtype) if dtype is not None else nullcontext()


class _ArrayWriter:
    """Fills arrays row by row under temporary names, and renames them when all rows are there."""

    def __init__(self, folder: Path, *, lengths: np.ndarray) -> None:
        self._folder = folder
        self._lengths = lengths
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        self._open: dict[str, np.memmap] = {}

    def put(self, name: str, indices: Sequence[int], values: np.ndarray) -> None:
        """Write the rows of a batch; token states come (B, T, H) padded on the right, everything else (B, …)."""
        ragged = name.startswith("states-")
        if name not in self._open:
            shape = (int(self._starts[-1]), values.shape[-1]) if ragged else (len(self._lengths), *values.shape[1:])
            path = self._folder / self._temporary(name)
            self._open[name] = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        if not ragged:
            self._open[name][np.asarray(indices)] = values
            return
        for row, states in zip(indices, values, strict=True):
            self._open[name][self._starts[row] : self._starts[row + 1]] = states[: self._lengths[row]]

    def finish(self) -> None:
        """Make the arrays visible under their names."""
        np.save(self._folder / self._temporary("lengths"), self._lengths)
        for array in self._open.values():
            array.flush()
        for name in ["lengths", *self._open]:
            (self._folder / self._temporary(name)).replace(self._folder / f"{name}.npy")

    def _temporary(self, name: str) -> str:
        return f".{name}.{os.getpid()}.npy"


def _length_sorted_batches(lengths: np.ndarray) -> list[list[int]]:
    order = np.argsort(lengths, kind="stable")
    batches: list[list[int]] = [[]]
    for row in order.tolist():
        if batches[-1] and lengths[row] * (len(batches[-1]) + 1) > _PASS_TOKENS:
            batches.append([])
        batches[-1].append(row)
    return [batch for batch in batches if batch]

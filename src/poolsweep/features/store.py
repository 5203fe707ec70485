"""States of a frozen encoder, computed once and shared by every run that reads them.

A store is a folder of memory-mapped arrays for one (weights, tokenizer, token ids, max length, precision, template,
torch and transformers by version). The names of pooled arrays tell options and code of poolings apart:

    vectors-<tokens>.npy   (W, L + 1, H)  one parameter-free token pooling of every layer
    pooler-<weights>.npy   (W, H)         the encoder's own pooler
    pooled-<key>.npy       (W, D)         a parameter-free pooling that cannot pool its layers one by one
    states-<layer>.npy     (ΣT, H)        all token states of a layer, for poolings with parameters
    lengths.npy            (N,)           tokens of each text

A row is of a window: W windows of N texts, which are the texts where none is read in several. Combining windows is left
to those who read, so that all poolings of windows share an array. Of poolings over the tokens of all windows W = N.

Each has a .json beside it with its size and hash. An array is written under another name and renamed when it is whole;
one that is not what its .json says is made again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xxhash
from filelock import FileLock, Timeout
from torch import nn

from poolsweep.data.token_rows import TokenRows
from poolsweep.encoder.encoder import Encoder
from poolsweep.errors import UserError
from poolsweep.features.arrays import ArrayShape, ArrayWriter, Sizes, half_written, is_whole, remove
from poolsweep.features.encoder_pass import EncoderPass
from poolsweep.features.requests import FeatureRequest
from poolsweep.features.rows import FeatureRows

_GIB = 2**30
_log = logging.getLogger("poolsweep")

Progress = Callable[[int, int], None]


def weights_hash(module: nn.Module) -> str:
    """A fingerprint of a module's parameters and buffers."""
    digest = xxhash.xxh3_128()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        data = tensor.detach().cpu().contiguous().flatten()  # a single number has no dimension to view as bytes
        digest.update(data.view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()


@dataclass(frozen=True)
class FeatureStore:
    """Where the features of one split lie, and how to make those that are missing.

    Attributes:
        folder: One folder per split and encoder.
        rows: The split's token ids.
        encoder: The frozen encoder.
        device: Device of the pass.
        precision: Lightning's name of the pass's precision: 32-true, bf16-mixed, 16-mixed, …
        max_gib: All stores beside this one together may take so much; None = as much as the disk holds.
    """

    folder: Path
    rows: TokenRows
    encoder: Encoder
    device: torch.device
    precision: str
    max_gib: float | None = None

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
            alongside: Gives what else to write if a pass has to be made anyway and there is room.
            on_progress: Called with texts done and texts in all.
        Raises:
            UserError: If they would not fit, before anything is written.
        """
        if not self._missing(requests):
            if half_written(self.folder):
                with suppress(Timeout), FileLock(self.folder / ".lock", timeout=0):
                    remove(half_written(self.folder))
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            missing = self._missing(requests)  # another process may have made them meanwhile
            if missing:
                named = [request.arrays for request in missing]
                extra = [request for request in self._missing(alongside()) if request.arrays not in named]
                self._write(missing, extra, on_progress or (lambda done, total: None))

    def array(self, name: str) -> np.ndarray:
        """An array of the store, memory-mapped read-only."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")

    def read(self, request: FeatureRequest) -> FeatureRows:
        """The rows of the split as a request stored them."""
        return request.read(self.rows, [self.array(name) for name in request.arrays])

    @property
    def _pass(self) -> EncoderPass:
        return EncoderPass(self.rows, self.encoder, self.device, self.precision)

    @property
    def _sizes(self) -> Sizes:
        return Sizes(self.rows.tokenised.lengths, self.rows.tokenised.windows)

    def _missing(self, requests: Sequence[FeatureRequest]) -> list[FeatureRequest]:
        return [r for r in requests if not all(is_whole(self.folder, name) for name in r.arrays)]

    def _write(
        self, requests: Sequence[FeatureRequest], extra: Sequence[FeatureRequest], on_progress: Progress
    ) -> None:
        lengths = self.rows.tokenised.lengths
        self.encoder.to(self.device)
        shapes = self._shapes([*requests, *extra], shortest=int(lengths.argmin()) if len(lengths) else None)
        for fewer in ([one for one in extra if one.per != "token"], []):  # all token states are most of it
            if extra and self._too_much(shapes) is not None:
                extra = fewer
                wanted = {name for request in (*requests, *extra) for name in request.arrays}
                shapes = {name: shape for name, shape in shapes.items() if name in wanted}
        problem = self._too_much(shapes)
        if problem is not None:
            raise UserError(problem)
        for name in shapes:
            if (self.folder / f"{name}.npy").exists():
                _log.warning("stored features are damaged, and made again: %s/%s.npy", self.folder, name)
        writer, done = ArrayWriter(self.folder, sizes=self._sizes, shapes=shapes), 0
        try:
            with closing(self._pass.features([*requests, *extra])) as found:
                for indices, features in found:
                    for name, values in features.items():
                        writer.put(name, indices, values.float().cpu().numpy())
                    done += len(indices)
                    on_progress(done, len(lengths))
        except BaseException:
            writer.abandon()
            raise
        writer.finish()

    def _shapes(self, requests: Sequence[FeatureRequest], *, shortest: int | None) -> dict[str, ArrayShape]:
        """Array name → what it holds, found by encoding one text."""
        if shortest is None:
            return {}
        [(_, found)] = self._pass.features(requests, rows=[shortest])
        return {
            name: ArrayShape(tuple(found[name].shape[2 if request.per == "token" else 1 :]), request.per)
            for request in requests
            for name in request.arrays
            if name in found
        }

    def _too_much(self, shapes: dict[str, ArrayShape]) -> str | None:
        """Why arrays of these shapes may not be written, or None."""
        needed = sum(4 * shape.rows(self._sizes) * int(np.prod(shape.part)) for shape in shapes.values())
        root = self.folder.parent
        free = shutil.disk_usage(root).free
        if needed > free:
            return f"features of {self.folder.name} take {needed / _GIB:.1f} GiB, and {root} has {free / _GIB:.1f} free"
        if self.max_gib is None:
            return None
        # Not the files of a process that is at work beside this one: those come and go.
        used = sum(path.stat().st_size for path in root.glob("*/[!.]*.npy"))
        if used + needed <= self.max_gib * _GIB:
            return None
        return (
            f"features.max_gib={self.max_gib:g}: features of {self.folder.name} take {needed / _GIB:.2f} GiB, and "
            f"{used / _GIB:.2f} are taken; raise it, or remove {root}, which is made again when it is needed"
        )

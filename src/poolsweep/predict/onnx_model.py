"""An ONNX export as a model: its graph is run by ONNX Runtime, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import transformers
import xxhash
from transformers import AutoTokenizer

from poolsweep.data.text_reader import PlainTexts
from poolsweep.errors import UserError
from poolsweep.extras import require
from poolsweep.files.hashing import file_hash
from poolsweep.predict.engine import Place
from poolsweep.predict.export_record import ExportRecord
from poolsweep.predict.model import Model, Output, Reads, known_metrics

_FILE = "model.onnx"
_TEXTS_AT_ONCE = 32


class OnnxModel(Model):
    """A graph from token ids to logits or vectors.

    Args:
        folder: The export.
        record: The export's record.
        place: Must be the CPU, in float32: the graph has its own precision.
    Raises:
        UserError: If it cannot be loaded.
    """

    def __init__(self, folder: Path, record: ExportRecord, *, place: Place) -> None:
        require("onnxruntime", asked_by=f"reading {folder}", extra="onnx")
        from onnxruntime import InferenceSession

        self.name, self.record, self._folder = str(folder), record, folder
        self.task, self.contract = record.known_task, record.known_contract
        self.metrics = known_metrics(self.task, record.run.get("measured"))
        self.reads = Reads(text=record.text, text_pair=record.text_pair, max_length=record.max_length)
        if place.precision != "32-true":
            raise UserError(f"{folder} is run by ONNX Runtime in the precision it was written in; leave precision out")
        path = folder / _FILE
        if not path.is_file() or path.is_symlink():
            raise UserError(f"{folder} has no {_FILE}")
        try:
            self._session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
            self._tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except Exception as error:  # ONNX Runtime and transformers have errors of many kinds
            raise UserError(f"{folder} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
        self._inputs = [each.name for each in self._session.get_inputs()]

    @property
    def identity(self) -> str:
        """A hash of the folder's files and of what runs them."""
        import onnxruntime

        files = sorted(path for path in self._folder.iterdir() if path.is_file())
        parts = [*(f"{path.name} {file_hash(path)}" for path in files), onnxruntime.__version__]
        return xxhash.xxh3_128_hexdigest("\n".join([*parts, transformers.__version__]).encode())

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Probabilities, or what else the task predicts."""
        if self.record.vectors:
            raise UserError(f"{self.name} was exported with --vectors: it has no head, and gives vectors alone")
        logits = self._run(texts, pairs)
        if logits.values.shape[1:] != (len(self.contract),):
            raise UserError(f"{self.name} gives values of shape {logits.values.shape} for {len(self.contract)} labels")
        return Output(self.task.predicted(self.contract, torch.from_numpy(logits.values)).numpy(), logits.truncated)

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Pooled vectors."""
        if not self.record.vectors:
            raise UserError(f"{self.name} gives logits alone; export it with --vectors")
        return self._run(texts, pairs)

    def _run(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Output:
        self.reads.check(texts, pairs)
        if not len(texts):
            width = self._session.get_outputs()[0].shape[-1]
            return Output(np.zeros((0, width), dtype=np.float32), np.zeros(0, dtype=bool))
        typed = "token_type_ids" in self._inputs
        read = PlainTexts(self._tokenizer, max_length=self.reads.max_length, typed=typed, pair=pairs is not None)
        rows = read({"text": list(texts)} | ({} if pairs is None else {"text_pair": list(pairs)}))
        order = np.argsort([len(ids) for ids in rows["input_ids"]], kind="stable")
        found: list[np.ndarray] = [np.empty(0)] * len(texts)
        for start in range(0, len(order), _TEXTS_AT_ONCE):
            chosen = order[start : start + _TEXTS_AT_ONCE].tolist()
            for i, value in zip(chosen, self._batch(rows, chosen), strict=True):
                found[i] = value
        return Output(np.asarray(found, dtype=np.float32), np.asarray(rows["truncated"], dtype=bool))

    def _batch(self, rows: dict[str, list], chosen: list[int]) -> np.ndarray:
        length = max(len(rows["input_ids"][i]) for i in chosen)
        fills = {"input_ids": self._tokenizer.pad_token_id or 0, "attention_mask": 0, "token_type_ids": 0}
        inputs = {name: np.full((len(chosen), length), fills.get(name, 0), dtype=np.int64) for name in self._inputs}
        for row, i in enumerate(chosen):
            ids = rows["input_ids"][i]
            for name, array in inputs.items():
                array[row, : len(ids)] = 1 if name == "attention_mask" else rows[name][i]
        try:
            return np.asarray(self._session.run(None, inputs)[0])
        except Exception as error:  # ONNX Runtime's own
            raise UserError(f"{self.name} cannot be run: {' '.join(str(error).split())[:300]}") from error

"""Runs an ONNX export with onnxruntime, tokenizers and numpy alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load(folder: str, *, vectors: bool) -> Callable[[list[str], list[str] | None], Any]:
    """The model as a function of texts.

    Raises:
        RuntimeError: If torch or transformers was imported on the way.
    """
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
    if not vectors:
        labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
        known = json.loads(Path(folder, "config.json").read_text(encoding="utf-8"))["label2id"]
        if dict(zip(labels, range(len(labels)), strict=True)) != known:
            raise RuntimeError("the labels in model.onnx are not those of config.json")

    def run(texts: list[str], pairs: list[str] | None) -> Any:  # noqa: ANN401
        rows = tokenizer.encode_batch(list(zip(texts, pairs, strict=True)) if pairs else texts)
        columns = {
            "input_ids": [row.ids for row in rows],
            "attention_mask": [row.attention_mask for row in rows],
            "token_type_ids": [row.type_ids for row in rows],
        }
        inputs = {read.name: np.array(columns[read.name], dtype=np.int64) for read in session.get_inputs()}
        values = np.asarray(session.run(["embedding" if vectors else "logits"], inputs)[0])
        if needed := {"torch", "transformers"} & sys.modules.keys():
            raise RuntimeError(f"the export was to run without {min(needed)}")
        return values

    return run

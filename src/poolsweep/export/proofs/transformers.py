"""Runs a folder of transformers as its users do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def load(folder: str, *, vectors: bool) -> Callable[[list[str], list[str] | None], Any]:
    """The model as a function of texts."""
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    kind = AutoModel if vectors else AutoModelForSequenceClassification
    model = kind.from_pretrained(folder, trust_remote_code=True).eval()

    def run(texts: list[str], pairs: list[str] | None) -> Any:  # noqa: ANN401
        inputs = tokenizer(texts, pairs, truncation=True, padding=True, return_tensors="pt")
        with torch.inference_mode():
            output = model(**inputs)
        return output.pooler_output if vectors else output.logits

    return run

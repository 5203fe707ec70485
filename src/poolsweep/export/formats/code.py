"""What formats that carry the source of a pooling share."""

from __future__ import annotations

from typing import Any

from poolsweep.export.pooling_source import pooling_source
from poolsweep.training.load import LoadedRun

TEXTS = ["a", "one, two and three", "?"]  # of different lengths, to compare two models on
_FUTURE = "from __future__ import annotations\n\n"


def require_plain(run: LoadedRun) -> str | None:
    """Why an encoder is not one of transformers' own; None if it is."""
    model = run.loaded.encoder.model
    if type(model).__module__.startswith("transformers."):
        return None
    return f"the encoder {run.loaded.encoder.name} runs code that its own folder carries, which is not written along"


def labels_of(run: LoadedRun) -> dict[str, Any]:
    """Entries of a transformers config that say what the logits mean."""
    names = run.labels.names
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
        "problem_type": "single_label_classification",
    }


def model_source(run: LoadedRun, *, imports: str, code: str) -> str:
    """One Python file: the source of the run's pooling, and a model that stands on it.

    Args:
        run: A finished run.
        imports: Statements that the model needs beside the pooling's.
        code: The model.
    Raises:
        UserError: If the source of the pooling is not to be had.
    """
    source = pooling_source(run).replace("needs torch alone", "stands on nothing of it")
    return source.replace(_FUTURE, f"{_FUTURE}{imports}", 1).rstrip() + "\n\n" + code

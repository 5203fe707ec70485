"""Runs a folder of sentence-transformers as its users do, with trust in code only where the folder has any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load(folder: str, *, vectors: bool) -> Callable[[list[str], list[str] | None], Any]:
    """The model as a function of texts."""
    from sentence_transformers import SentenceTransformer

    types = [module["type"] for module in json.loads(Path(folder, "modules.json").read_text(encoding="utf-8"))]
    own = all(kind.startswith("sentence_transformers.") for kind in types)
    model = SentenceTransformer(folder, device="cpu", trust_remote_code=not own)

    def run(texts: list[str], pairs: list[str] | None) -> Any:  # noqa: ANN401
        given = list(zip(texts, pairs, strict=True)) if pairs else texts
        return model.encode(given, show_progress_bar=False)  # type: ignore[arg-type]

    return run

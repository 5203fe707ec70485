"""Any encoder of the Hugging Face hub, or a folder in its format."""

from __future__ import annotations

from pathlib import Path

from poolsweep.encoder.cpu_kernels import CpuKernelsMode
from poolsweep.encoder.encoder import PackingMode
from poolsweep.encoder.folder import require_encoder_folder
from poolsweep.encoder.loading import LoadedEncoder, load_pretrained


def hub(
    *,
    model: str,
    name: str | None = None,
    revision: str | None = None,
    attention: str | None = None,
    frozen: bool = False,
    gradient_checkpointing: bool = False,
    packing: PackingMode = "off",
    cpu_kernels: CpuKernelsMode = "off",
    compiled: bool = False,
    trust_remote_code: bool = False,
) -> LoadedEncoder:
    """Load ``model`` from the hub, its local cache, or a folder.

    Args:
        model: A name such as ``google-bert/bert-base-uncased``, or a folder.
        name: Name in leaderboards; None = the last part of ``model``.
        revision: Branch, tag or commit.
        attention: transformers' attention implementation; None = its choice.
        frozen: Whether nothing of it is trained.
        gradient_checkpointing: Whether the backward pass recomputes activations, for less memory.
        packing: Whether padded tokens are left out: auto, on, off.
        cpu_kernels: Whether linear layers and dropout are replaced by what a CPU computes faster: auto, off.
        compiled: Whether ``torch.compile`` compiles what lies around each layer's attention.
        trust_remote_code: Whether model code that the repository carries is run.
    Raises:
        UserError: If there is no such model, or it cannot be reached.
    """
    require_encoder_folder(model)
    folder = Path(model)
    return load_pretrained(
        model,
        name=name or (folder.resolve().name if folder.is_dir() else model.rsplit("/", 1)[-1]),
        revision=revision,
        attention=attention,
        frozen=frozen,
        gradient_checkpointing=gradient_checkpointing,
        packing=packing,
        cpu_kernels=cpu_kernels,
        compiled=compiled,
        trust_remote_code=trust_remote_code,
    )

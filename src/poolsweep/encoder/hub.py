"""Any encoder of the Hugging Face hub, or a folder in its format."""

from __future__ import annotations

from pathlib import Path

from poolsweep.encoder.encoder import PackingMode
from poolsweep.encoder.loading import LoadedEncoder, load_pretrained
from poolsweep.encoder.source import require_encoder_folder


def hub(
    *,
    model: str,
    name: str | None = None,
    revision: str | None = None,
    attention: str | None = None,
    frozen: bool = False,
    gradient_checkpointing: bool = False,
    packing: PackingMode = "off",
    compiled: bool = False,
    trust_remote_code: bool = False,
) -> LoadedEncoder:
    """Load ``model`` from the hub, its local cache, or a folder.

    Args:
        model: A name such as ``google-bert/bert-base-uncased``, or a folder.
        name: How it is called in leaderboards; None = the last part of ``model``.
        revision: Branch, tag or commit.
        attention: transformers' attention implementation; None = its choice.
        frozen: Train nothing of it.
        gradient_checkpointing: Recompute activations in the backward pass, for less memory.
        packing: Compute no padded token: auto, on, off.
        compiled: Compile the parts of each layer beside its attention with ``torch.compile``.
        trust_remote_code: Run model code that the repository carries.
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
        compiled=compiled,
        trust_remote_code=trust_remote_code,
    )

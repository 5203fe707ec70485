"""Any encoder of the Hugging Face hub, or a folder in its format."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from poolsweep.encoder.folder import require_encoder_folder
from poolsweep.encoder.loading import LoadedEncoder, load_pretrained
from poolsweep.encoder.options import EncoderOptions


def hub(
    *,
    model: str,
    name: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    **options: Unpack[EncoderOptions],
) -> LoadedEncoder:
    """Load ``model`` from the hub, its local cache, or a folder.

    Args:
        model: A name such as ``google-bert/bert-base-uncased``, or a folder.
        name: Name in leaderboards; None = the last part of ``model``.
        revision: Branch, tag or commit.
        trust_remote_code: Whether model code that the repository carries is run.
        options: Those of every encoder.
    Raises:
        UserError: If there is no such model, or it cannot be reached.
    """
    require_encoder_folder(model)
    folder = Path(model)
    return load_pretrained(
        model,
        name=name or (folder.resolve().name if folder.is_dir() else model.rsplit("/", 1)[-1]),
        revision=revision,
        trust_remote_code=trust_remote_code,
        **options,
    )

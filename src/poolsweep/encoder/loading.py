"""Loads an encoder and its tokenizer, quietly, from safetensors alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from poolsweep.encoder.encoder import Encoder, PackingMode
from poolsweep.errors import UserError


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder with the tokenizer it was trained with."""

    encoder: Encoder
    tokenizer: PreTrainedTokenizerBase

    @property
    def pad_token_id(self) -> int:
        """What padding is filled with; 0 for a tokenizer that has no padding token, since the mask hides it."""
        found = self.tokenizer.pad_token_id
        return found if isinstance(found, int) else 0

    @property
    def mask_token_id(self) -> int | None:
        """The id of [MASK], or None."""
        found = self.tokenizer.mask_token_id
        return found if isinstance(found, int) else None


def load_pretrained(
    source: str | Path,
    *,
    name: str,
    revision: str | None = None,
    attention: str | None = None,
    frozen: bool = False,
    gradient_checkpointing: bool = False,
    packing: PackingMode = "off",
    compiled: bool = False,
    trust_remote_code: bool = False,
) -> LoadedEncoder:
    """Load an encoder with ``AutoModel`` from a folder or the hub.

    Args:
        source: A folder, or a model's name on the Hugging Face hub.
        name: How it is called in leaderboards.
        revision: Branch, tag or commit on the hub.
        attention: transformers' attention implementation (sdpa, eager, flash_attention_2); None = its choice.
        frozen: Train nothing of it.
        gradient_checkpointing: Recompute activations in the backward pass, for less memory.
        packing: Compute no padded token: auto, on, off.
        compiled: Compile the parts of each layer beside its attention with ``torch.compile``.
        trust_remote_code: Run model code that the repository carries.
    Raises:
        UserError: If there is no such model, or it cannot be reached.
    """
    quiet_transformers()
    if attention is not None and "/" in attention and not trust_remote_code:
        raise UserError(
            f"encoder.attention={attention} is code from the hub; encoder.trust_remote_code=true allows it to run"
        )
    options = {"revision": revision, "trust_remote_code": trust_remote_code}
    kwargs = {} if attention is None else {"attn_implementation": attention}
    try:
        model, info = AutoModel.from_pretrained(
            source, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **options, **kwargs
        )
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(_why_not(source, error)) from error
    if all(hasattr(model, part) for part in ("encoder", "decoder")):  # also where a config says nothing of it
        raise UserError(f"{source} ({model.config.model_type}) has a decoder; an encoder is wanted")
    fresh = any(key.startswith("pooler.") for key in info["missing_keys"])
    encoder = Encoder(
        model,
        name=name,
        frozen=frozen,
        gradient_checkpointing=gradient_checkpointing,
        packing=packing,
        compiled=compiled,
        pooler_is_fresh=fresh,
    )
    return LoadedEncoder(encoder, tokenizer)


def quiet_transformers() -> None:
    """Silence loading bars and reports that a user can do nothing about; errors still come through."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def _why_not(source: str | Path, error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0]
    if isinstance(source, Path) or Path(source).exists():
        return f"encoder: cannot load {source}: {first_line}"
    offline = os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}
    reached = "couldn't connect" not in str(error).lower() and "connection" not in str(error).lower()
    if offline or not reached:
        why = "HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
        return f"encoder.model={source} is not in the local cache and {why}; use encoder=minilm, or go online once"
    return f"encoder.model={source} cannot be loaded: {first_line}"

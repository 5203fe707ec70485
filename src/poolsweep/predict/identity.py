"""What tells one model's output from another's: an interrupted file of predictions goes on only with the same."""

from __future__ import annotations

import json

import torch
import transformers
import xxhash
from torch import nn

from poolsweep import __version__
from poolsweep.data.tokenise import tokenizer_hash
from poolsweep.features.store import weights_hash
from poolsweep.predict.engine import Engine


def identity_of(engine: Engine, module: nn.Module, *options: object) -> str:
    """A hash of all that can change what a model gives.

    Args:
        engine: The encoder, its tokenizer, and where it runs.
        module: The weights, the encoder's aside.
        options: What else the output depends on.
    """
    encoder = engine.loaded.encoder
    parts = [
        weights_hash(encoder.model), encoder.model.config._attn_implementation, str(encoder.cpu_kernels), encoder.packs,
        encoder.settings,
        tokenizer_hash(engine.loaded.tokenizer), engine.reading, weights_hash(module),
        None if encoder.pooler is None else weights_hash(encoder.pooler),
        options, str(engine.place.device), engine.place.precision, torch.get_num_threads(),
        __version__, torch.__version__, transformers.__version__,
    ]  # fmt: skip
    return xxhash.xxh3_128_hexdigest(json.dumps(parts, sort_keys=True, default=str).encode())

"""Makes the pooling of a run for its encoder."""

from __future__ import annotations

from poolsweep.config import Node
from poolsweep.encoder import LoadedEncoder
from poolsweep.errors import UserError
from poolsweep.pooling import Pooling
from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.make import whole_pooling
from poolsweep.pooling.presets import pooling_name
from poolsweep.pooling.requirements import unmet_needs
from poolsweep.training.make import make
from poolsweep.training.tokens import make_tokens


def build_pooling(node: Node, loaded: LoadedEncoder) -> Pooling:
    """Make a pooling for an encoder.

    Raises:
        UserError: If they do not go together.
    """
    encoder = loaded.encoder
    try:
        layers = make(Node(node["layers"]), num_layers=encoder.num_layers, hidden_size=encoder.hidden_size)
        tokens = make_tokens(Node(node["tokens"]), loaded, input_size=layers.output_size)
        pooling = whole_pooling(layers, tokens, chunks_of(node, size=tokens.output_size))
    except ValueError as error:
        raise UserError(str(error)) from error
    problems = unmet_needs(
        pooling,
        name=pooling_name(node),
        encoder=encoder.name,
        has_pooler=encoder.pooler is not None,
        has_mask_token=loaded.tokenizer.mask_token_id is not None,
        gives_attentions=encoder.gives_attentions,
        cls_sees_text=loaded.cls_sees_text,
    )
    if problems:
        raise UserError(*problems)
    return pooling


def chunks_of(node: Node, *, size: int) -> ChunkPooling | None:
    """The pooling's part that reads long texts; a preset has none."""
    return make(Node(node["chunks"]), input_size=size) if "chunks" in node else None

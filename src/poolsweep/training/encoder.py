"""Loads the encoder of a run."""

from __future__ import annotations

import json
from functools import lru_cache

from hydra.utils import get_class

from poolsweep.config import Node
from poolsweep.config.names import encoder_name
from poolsweep.encoder import LoadedEncoder
from poolsweep.encoder.adapter import draw_adapter
from poolsweep.encoder.pooler import reinitialise_pooler
from poolsweep.errors import UserError
from poolsweep.runs.identity import encoder_identity
from poolsweep.terminal.progress import said_if_slow
from poolsweep.training.make import make


def load_encoder(node: Node, *, tokens: Node, init_seed: int, upcast: bool = False) -> LoadedEncoder:
    """Load an encoder. Frozen encoders are never changed, so runs of one process share them.

    Args:
        node: Makes it.
        tokens: Makes the half of the pooling that may ask for attention weights.
        init_seed: Draws the weights of an adapter, and of a pooler that a checkpoint lacks.
        upcast: Whether weights that are held in less are cast to float32, with the values that they have.
    """
    if node["attention"] is None and "attentions" in get_class(tokens.target).context_needed:
        node = Node(node.plain() | {"attention": "eager"})  # the others do not return their weights
    wanted, content = json.dumps(node.plain(), sort_keys=True), encoder_identity(node)["encoder_id"]
    if not node["frozen"] or upcast:
        loaded = _load_encoder.__wrapped__(wanted, content)
    else:
        loaded = _load_encoder(wanted, content)
        if loaded.encoder.pooler_is_fresh:  # its weights depend on the run's seed
            loaded = _load_encoder.__wrapped__(wanted, content)
    if upcast:
        loaded.encoder.float()
    if loaded.encoder.adapter is not None:
        draw_adapter(loaded.encoder.model, seed=init_seed)
    if loaded.encoder.pooler_is_fresh and loaded.encoder.pooler is not None:
        reinitialise_pooler(loaded.encoder.pooler, std=loaded.encoder.initializer_range, seed=init_seed)
    return loaded


@lru_cache(maxsize=2)
def _load_encoder(wanted: str, content: str | None) -> LoadedEncoder:  # the content: a folder may have been replaced
    node = Node(json.loads(wanted))
    try:
        with said_if_slow(f"loading encoder {encoder_name(node)}"):
            loaded: LoadedEncoder = make(node)
    except ValueError as error:  # sizes that do not go together, say
        raise UserError(f"encoder: {str(error).strip().splitlines()[0]}") from error
    if not loaded.promises.ignores_padding:
        encoder = loaded.encoder
        raise UserError(
            f"{encoder.name} ({encoder.model.config.model_type}) gives a text other states beside a longer one, since "
            "padding is not masked in it: no text has one vector, and no pooling of it can be compared"
        )
    return loaded

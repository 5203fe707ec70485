"""Makes the half of a pooling that reads tokens, of what its encoder was shipped with where it is that."""

from __future__ import annotations

from hydra.utils import get_class

from poolsweep.config import Node
from poolsweep.encoder import LoadedEncoder
from poolsweep.errors import UserError
from poolsweep.pooling.base import TokenPooling
from poolsweep.training.make import make


def make_tokens(node: Node, loaded: LoadedEncoder, *, input_size: int) -> TokenPooling:
    """Make the half of a pooling that reads tokens; what the encoder's folder has for it, with the weights from there.

    Args:
        node: Target and options.
        loaded: Encoder and tokenizer.
        input_size: Size of a token's vector.
    Raises:
        UserError: If it is to be that of the folder, and there is none.
        ValueError: If sizes do not go together.
    """
    if not getattr(get_class(node.target), "shipped", False) or node.get("modes") is not None:
        return make(node, input_size=input_size)
    name, shipped = loaded.encoder.name, loaded.shipped
    if shipped is None or shipped.problem is not None:
        why = "has no modules.json" if shipped is None else f"has one that cannot be taken over: {shipped.problem}"
        raise UserError(f"pooling=own is that of a sentence-transformers folder, and {name} {why}")
    if node.get("after") is not None:
        raise UserError("pooling.tokens.after goes with pooling.tokens.modes; without both they are the folder's")
    made = make(Node({**node, "modes": list(shipped.modes), "after": list(shipped.after)}), input_size=input_size)
    try:
        made.load_state_dict(shipped.weights)
    except RuntimeError as error:
        raise UserError(f"pooling=own: the Dense layers of {name} are not those of their configs") from error
    if loaded.encoder.frozen:
        made.fix_weights()
    return made

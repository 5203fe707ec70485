"""Which weights of an encoder are trained, by block: 0 = embeddings, then the layers, the top one last."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import StringConstraints
from torch import nn

from poolsweep.bounds import Described
from poolsweep.encoder.pooler import reinitialise_pooler
from poolsweep.errors import UserError

if TYPE_CHECKING:
    from poolsweep.encoder.encoder import Encoder

_TOP = "top:"
NORMS_AND_BIASES = "norms_and_biases"
TrainedPart = Annotated[
    Annotated[str, StringConstraints(pattern=r"^top:[1-9]\d{0,3}$")] | Literal["all", "norms_and_biases"],
    Described("all, norms_and_biases, or top:N for the top N layers"),
]


def top_layers(part: str) -> int | None:
    """N of ``top:N``; None where layers of all depths are trained.

    Example:
        >>> top_layers("top:4"), top_layers("all")
        (4, None)
    """
    return int(part.removeprefix(_TOP)) if part.startswith(_TOP) else None


def blocks_of(encoder: Encoder) -> dict[str, int]:
    """Parameter name → block, counted over the layers that are run.

    What is run after the last layer (a final norm, the pooler) is part of the top block. All else outside the layers is
    block 0: word embeddings, and positions, types and norms, wherever a model keeps them.

    Raises:
        UserError: If the layers of the encoder are not found.
    """
    layers = _layers_of(encoder)
    parts = [*enumerate(layers, start=1), *((len(layers), part) for part in encoder.run_after_layers())]
    parts += [] if encoder.pooler is None else [(len(layers), encoder.pooler)]
    places = {id(parameter): block for block, part in parts for parameter in part.parameters()}
    return {name: places.get(id(parameter), 0) for name, parameter in encoder.named_parameters()}


def choose_trained(encoder: Encoder, *, unfrozen: int | None = None) -> None:
    """Leave trained what ``encoder.train`` names; what lies below rests: no graph, no dropout.

    Args:
        encoder: An encoder whose layers have been cut to those that are run.
        unfrozen: Number of blocks, from the top, that gradual unfreezing has reached; None = all.
    Raises:
        UserError: If the layers of the encoder are not found.
    """
    if encoder.trained_part == "all" and encoder.unfreeze_every is None:
        return
    layers, blocks = _layers_of(encoder), blocks_of(encoder)
    top = top_layers(encoder.trained_part)
    lowest = 0 if top is None else len(layers) - top + 1
    lowest = lowest if unfrozen is None else max(lowest, len(layers) - unfrozen + 1)
    some = norms_and_biases(encoder) if encoder.trained_part == NORMS_AND_BIASES else blocks
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_(blocks[name] >= lowest and name in some)
    held = {*layers, *encoder.run_after_layers()}
    encoder.resting = [*_apart_from(held, encoder.model), *layers[: lowest - 1]] if lowest else []
    encoder.train(encoder.training)


def norms_and_biases(module: nn.Module) -> set[str]:
    """Names of the parameters that are biases, or belong to a norm."""
    found = {name for name, _ in module.named_parameters() if name.endswith("bias")}
    for path, part in module.named_modules():
        if "norm" in type(part).__name__.lower():
            found |= {f"{path}.{name}" for name, _ in part.named_parameters(recurse=False)}
    return found


def reinitialise(encoder: Encoder, *, seed: int) -> None:
    """Draw the weights of the top ``reinitialise_top`` layers anew, as the model's own initialisation does.

    A pooler that is read is drawn anew with them.

    Args:
        encoder: An encoder whose layers have been cut to those that are run.
        seed: Seed of a random state of its own: the run's ``init_seed``.
    Raises:
        UserError: If the layers of the encoder are not found.
    Reference:
        Zhang et al. (2021), "Revisiting Few-sample BERT Fine-tuning", arXiv:2006.05987, section 5.
    """
    if not encoder.reinitialise_top:
        return
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for layer in _layers_of(encoder)[-encoder.reinitialise_top :]:
            for tensor in layer.parameters():
                vars(tensor).pop("_is_hf_initialized", None)  # transformers leaves alone what carries this mark
            layer.apply(encoder.model._init_weights)
    if encoder.pooler is not None:
        reinitialise_pooler(encoder.pooler, std=encoder.initializer_range, seed=seed)


def _layers_of(encoder: Encoder) -> list[nn.Module]:
    if encoder.layers is None:
        raise UserError(f"the layers of {encoder.name} are not where they are looked for")
    return list(encoder.layers)


def _apart_from(others: Collection[nn.Module], module: nn.Module) -> Iterator[nn.Module]:
    """The largest submodules that hold none of some others."""
    if module in others:
        return
    if not any(part in others for part in module.modules()):
        yield module
        return
    for child in module.children():
        yield from _apart_from(others, child)

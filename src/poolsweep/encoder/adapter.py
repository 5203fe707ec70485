"""LoRA and DoRA by peft: small matrices that are trained beside an encoder's weights, which stay."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from poolsweep.bounds import PositiveFloat, PositiveInt, Probability
from poolsweep.errors import UserError
from poolsweep.extras import require

_NAME = "default"  # peft's, of the only adapter that there is
_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What is trained in place of an encoder's weights: W + alpha / rank · B A, where B begins as zeros.

    Attributes:
        rank: Columns of B and rows of A.
        alpha: Factor of the product, times rank.
        dropout: Dropout of what the product reads.
        targets: Last names of the linear layers that get one; None = all linear layers of the stack.
        bias: Whether the encoder's biases are trained too: none, all.
        use_dora: Whether the length of each column of the sum is trained apart from its direction.
    Reference:
        Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685; Liu et al. (2024),
        "DoRA: Weight-Decomposed Low-Rank Adaptation", arXiv:2402.09353; both as peft has them.
    """

    rank: PositiveInt = 8
    alpha: PositiveFloat = 16
    dropout: Probability = 0.0
    targets: list[str] | None = None
    bias: Literal["none", "all"] = "none"
    use_dora: bool = False


def add_adapter(model: nn.Module, adapter: Adapter, *, stack: nn.Module | None, name: str) -> None:
    """Put an adapter into a model, whose own weights are trained no more; its states stay what they were.

    Args:
        model: A model that is changed in place.
        adapter: The adapter.
        stack: The model's layers; None = they are not known, and all linear layers count.
        name: The model's name in messages.
    Raises:
        UserError: If peft is missing, or the model has none of the targets.
    """
    require("peft", asked_by="encoder/adapter", extra="lora")
    from peft import LoraConfig, inject_adapter_in_model  # takes seconds

    targets = _targets(model, adapter, stack=stack, name=name)
    alpha: Any = adapter.alpha  # may be a fraction, whatever its annotation says
    config = LoraConfig(
        r=adapter.rank, lora_alpha=alpha, lora_dropout=adapter.dropout, bias=adapter.bias, use_dora=adapter.use_dora,
        target_modules=targets,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*fan_in_fan_out.*")  # GPT-2's weights lie the other way round
        inject_adapter_in_model(config, model)
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.dtype in (torch.bfloat16, torch.float16):
            parameter.data = parameter.data.float()  # a step is less than the last bit of 16


def draw_adapter(model: nn.Module, *, seed: int) -> None:
    """Draw an adapter's weights anew; its product is zero.

    Args:
        model: A model with an adapter that has not been trained.
        seed: Seed: the run's ``init_seed``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _, layer in _adapted(model):
            layer.reset_lora_parameters(_NAME, init_lora_weights=True)


def merged_state(model: nn.Module) -> dict[str, Tensor]:
    """The weights that a model without an adapter needs to compute the same, by its own names.

    Products are added in float64; the sums have the type of the weights.

    Args:
        model: A model with an adapter or without; it stays as it is.
    """
    layers = dict(_adapted(model))
    inside = tuple(f"{name}." for name in layers)
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(inside)}
    for name, layer in layers.items():
        types = {key: tensor.dtype for key, tensor in layer.get_base_layer().state_dict().items()}
        merged = copy.deepcopy(layer).double()
        merged.merge(safe_merge=True)
        found = merged.get_base_layer().state_dict()
        state |= {f"{name}.{key}": tensor.to(types[key]) for key, tensor in found.items()}
    return state


def _adapted(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers of a model that have an adapter, by name."""
    for name, module in model.named_modules():
        if hasattr(module, "get_base_layer") and hasattr(module, "lora_A"):
            yield name, module


def _targets(model: nn.Module, adapter: Adapter, *, stack: nn.Module | None, name: str) -> list[str]:
    """Full names of the layers that get an adapter."""
    inside = None if stack is None else {id(module) for module in stack.modules()}
    linear = [
        full
        for full, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and (inside is None or id(module) in inside)
    ]
    wanted = adapter.targets
    if wanted is None:
        found = linear
    else:
        found = [full for full in linear if any(f".{full}".endswith(f".{one}") for one in wanted)]
        absent = [one for one in wanted if not any(f".{full}".endswith(f".{one}") for full in found)]
        if absent:
            known = list(dict.fromkeys(full.rpartition(".")[2] for full in linear))[:_SHOWN]
            raise UserError(
                f"encoder.adapter.targets={absent[0]} is no linear layer of {name}; it has {', '.join(known)}"
            )
    if not found:
        raise UserError(f"encoder/adapter has nothing to adapt in {name}: it has no linear layers")
    return found

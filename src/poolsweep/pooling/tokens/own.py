"""The pooling that an encoder was shipped with, and what follows it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import (
    at_least_float32,
    dimensions_won,
    first_token,
    last_token,
    masked_max,
    masked_mean,
    mean_sqrt_len,
    position_weighted_mean,
)

Mode = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
ACTIVATIONS = (
    "Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid", "LeakyReLU", "ELU", "SELU", "CELU", "Mish", "ReLU6",
    "Softplus", "Softsign", "Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid", "Tanhshrink",
)  # fmt: skip
_WIDEST = 65_536  # numbers of a vector behind a Dense layer
_FLAGS = ("no_bias", "residual")


class Own(TokenPooling):
    """The pooling of sentence-transformers that an encoder's folder has, with its Dense layers and its Normalize.

    ``modes`` pool the tokens, concatenated if there are several. Then come the parts of ``after``: ``"Dense 256 Tanh"``
    is a linear layer to 256 numbers and an activation, ``"Normalize"`` brings a vector to length 1. If both are null,
    they are what the folder's modules.json says, with the weights that lie there; without a folder the library's
    default, the mean. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        modes: Modes of their ``Pooling``: cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken.
        after: What follows: ``Normalize``, or ``Dense SIZE ACTIVATION`` with ``no_bias`` and ``residual`` behind it.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, D), the last Dense layer's size, or
        H for each mode.
    Raises:
        ValueError: If ``after`` names what there is not.
    Reference:
        sentence-transformers' ``Pooling``, ``Dense`` and ``Normalize``. Differs: zeros for an all-padding row.
    Example:
        >>> pooling = Own(input_size=2, modes=["max"], after=["Normalize"])
        >>> pooling(torch.tensor([[[3.0, 1.0], [2.0, 4.0]]]), torch.tensor([[True, True]]), PoolingContext())
        tensor([[0.6000, 0.8000]])
    """

    formula: ClassVar[str] = "as the encoder's folder says, such as {steps}"
    source: ClassVar[str] = "Reimers 2019, arXiv:1908.10084"
    shipped: ClassVar[bool] = True

    def __init__(self, *, input_size: int, modes: list[Mode] | None = None, after: list[str] | None = None) -> None:
        super().__init__(input_size=input_size)
        self.modes, self.after = list(modes or ["mean"]), list(after or [])
        self.output_size *= len(self.modes)
        self.parts = nn.ModuleList()
        for text in self.after:
            part = make_part(text, input_size=self.output_size)
            self.output_size = part.linear.out_features if isinstance(part, DensePart) else self.output_size
            self.parts.append(part)
        self.steps = " → ".join([" & ".join(self.modes), *self.after])

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Pool by each mode, then apply the parts."""
        kept = self.kept(mask, context)
        pooled = torch.cat([pool_by(mode, hidden, mask, kept) for mode in self.modes], dim=-1)
        for part in self.parts:
            pooled = part(pooled)
        return pooled.masked_fill(~mask.any(dim=1, keepdim=True), 0)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The weight of each token by each mode, before the parts, and the share of a maximum's dimensions it won."""
        kept = self.kept(mask, context)
        unit = torch.eye(mask.shape[1], dtype=hidden.dtype, device=hidden.device).expand(mask.shape[0], -1, -1)
        weights = [pool_by(mode, unit, mask, kept) for mode in self.modes if mode != "max"]
        found = {"weights": torch.stack(weights, dim=1) if len(weights) > 1 else weights[0]} if weights else {}
        if "max" in self.modes:
            found["shares"] = dimensions_won(hidden, kept, masked_max(hidden, kept))
        return found

    def self_contained(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Modes and parts as they are, so that no folder is needed."""
        return {**given, "modes": self.modes, "after": self.after}

    def fix_weights(self) -> None:
        """Keep the weights as they are: nothing of them is trained, and the pooling has no parameters."""
        for module in self.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, parameter.detach())


class DensePart(nn.Module):
    """A linear layer and an activation, with what came in added if it is ``residual``.

    Args:
        input_size: Numbers of a vector.
        output_size: Numbers of the result.
        activation: Name of a class of ``torch.nn``.
        bias: Whether the layer has a bias.
        residual: Whether what came in is added, through a layer of its own where the sizes differ.
    """

    def __init__(self, *, input_size: int, output_size: int, activation: str, bias: bool, residual: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, output_size, bias=bias)
        self.activation = getattr(nn, activation)()
        self.adds = residual
        self.residual = (
            nn.Linear(input_size, output_size, bias=False) if residual and input_size != output_size else None
        )

    def forward(self, pooled: Tensor) -> Tensor:
        """Transform vectors, (B, ``output_size``)."""
        found = self.activation(self.linear(pooled))
        if not self.adds:
            return found
        return found + (pooled if self.residual is None else self.residual(pooled))


class NormalizePart(nn.Module):
    """Vectors of length 1."""

    def forward(self, pooled: Tensor) -> Tensor:
        """Divide each vector by its length."""
        return F.normalize(at_least_float32(pooled), dim=-1).to(pooled.dtype)


def make_part(text: str, *, input_size: int) -> nn.Module:
    """What an entry of ``after`` stands for.

    Args:
        text: ``Normalize``, or ``Dense SIZE ACTIVATION`` with flags behind it.
        input_size: Numbers of a vector that comes in.
    Raises:
        ValueError: If it is neither.
    Example:
        >>> make_part("Dense 8 Tanh no_bias", input_size=4).linear
        Linear(in_features=4, out_features=8, bias=False)
    """
    if text == "Normalize":
        return NormalizePart()
    words = text.split()
    kind, size, activation = words[:3] if len(words) > 2 else ("", "", "")
    flags = words[3:]
    known = kind == "Dense" and activation in ACTIVATIONS and set(flags) <= set(_FLAGS)
    if not known or not (size.isascii() and size.isdecimal()) or not 1 <= int(size) <= _WIDEST:
        raise ValueError(
            f"pooling.tokens.after has {text!r}; it takes Normalize, or Dense SIZE ACTIVATION, such as 'Dense 256 Tanh'"
        )
    return DensePart(
        input_size=input_size, output_size=int(size), activation=activation,
        bias="no_bias" not in flags, residual="residual" in flags,
    )  # fmt: skip


def pool_by(mode: str, hidden: Tensor, mask: Tensor, kept: Tensor) -> Tensor:
    """The vectors of texts by one mode.

    Args:
        mode: A mode of sentence-transformers' ``Pooling``.
        hidden: States of tokens.
        mask: Real tokens: positions are counted among them.
        kept: Tokens of them that are pooled.
    Shape:
        hidden (B, T, H); mask, kept (B, T) bool; returns (B, H).
    """
    if mode == "weightedmean":
        return position_weighted_mean(hidden, kept, mask.to(torch.int32).cumsum(dim=1))
    by_mode = {
        "cls": first_token, "max": masked_max, "mean": masked_mean, "mean_sqrt_len_tokens": mean_sqrt_len,
        "lasttoken": last_token,
    }  # fmt: skip
    return by_mode[mode](hidden, kept)

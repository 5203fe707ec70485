"""Weights that are held in less than float32: how they are loaded, and how such a model is tried exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import nn
from transformers import BitsAndBytesConfig, PreTrainedModel

from poolsweep.errors import UserError
from poolsweep.extras import require

WeightsDtype = Literal["float32", "bfloat16", "float16", "auto"]
Quantized = Literal["4bit", "8bit"]
_LOW = (torch.bfloat16, torch.float16)
_OWN = ["pooler"]  # modules that stay as they are: they are small, and may be trained


def weights_options(dtype: WeightsDtype, quantize: Quantized | None) -> dict[str, Any]:
    """Options of transformers' ``from_pretrained`` for a model's own weights.

    Args:
        dtype: Type of the weights; ``auto`` = that of the checkpoint.
        quantize: Bits of the linear layers' weights, which bitsandbytes then holds; None = all are of ``dtype``.
    Raises:
        UserError: If they cannot be quantised here.
    """
    options: dict[str, Any] = {"dtype": dtype if dtype == "auto" else getattr(torch, dtype)}
    if quantize is None:
        return options
    asked_by = f"encoder.quantize={quantize}"
    for package in ("bitsandbytes", "accelerate"):
        require(package, asked_by=asked_by, extra="quantize")
    if not torch.cuda.is_available():
        raise UserError(f"{asked_by} needs a CUDA device, and there is none here; encoder.quantize=null runs anywhere")
    computed = torch.bfloat16 if dtype == "auto" else options["dtype"]
    if quantize == "4bit":  # NormalFloat and quantised scales, as QLoRA has them
        config = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=computed, llm_int8_skip_modules=_OWN,
        )  # fmt: skip
    else:
        config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=_OWN)
    return options | {"quantization_config": config, "device_map": {"": torch.cuda.current_device()}}


def is_quantized(model: PreTrainedModel) -> bool:
    """Whether bitsandbytes holds a model's weights."""
    return getattr(model, "hf_quantizer", None) is not None


@contextmanager
def in_float32(model: PreTrainedModel) -> Iterator[None]:
    """Compute in float32 with the values that a model's weights have, a layer at a time: the rest stays as it is.

    What a model promises holds for its code, and could not be told from rounding in 16 bits.

    Args:
        model: Left as it was.
    """
    with ExitStack() as stack:
        modules: Iterable[Any] = model.modules()
        for module in modules:
            if hasattr(module, "compute_dtype"):  # bitsandbytes' in 4 bits
                stack.callback(setattr, module, "compute_dtype", module.compute_dtype)
                setattr(module, "compute_dtype", torch.float32)  # noqa: B010
        layers = [layer for found in model.modules() if isinstance(found, nn.ModuleList) for layer in found]
        inside = {id(parameter) for layer in layers for parameter in layer.parameters()}
        stack.callback(_restore, _raised(p for p in model.parameters() if id(p) not in inside))
        for layer in layers:
            held: list[list[tuple[nn.Parameter, torch.Tensor]]] = []

            def enter(module: nn.Module, args: object, held: list = held) -> None:
                held.append(_raised(module.parameters()))

            def leave(module: nn.Module, args: object, output: object, held: list = held) -> None:
                _restore(held.pop())

            stack.callback(layer.register_forward_pre_hook(enter).remove)
            stack.callback(layer.register_forward_hook(leave, always_call=True).remove)
        yield


def _raised(parameters: Iterable[nn.Parameter]) -> list[tuple[nn.Parameter, torch.Tensor]]:
    held = [(parameter, parameter.data) for parameter in parameters if parameter.dtype in _LOW]
    for parameter, data in held:
        parameter.data = data.float()
    return held


def _restore(held: Iterable[tuple[nn.Parameter, torch.Tensor]]) -> None:
    for parameter, data in held:
        parameter.data = data

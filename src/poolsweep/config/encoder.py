"""What does not go together in how an encoder is loaded and trained."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from poolsweep.device import accelerator_type, canonical_precision, planned_accelerator
from poolsweep.extras import lacking

_PRECISIONS = {"bfloat16": ("32-true", "bf16-mixed"), "float16": ("32-true", "16-mixed")}


def encoder_problems(config: Mapping[str, Any]) -> list[str]:
    """What in a resolved config's ``encoder`` does not go with the rest.

    Args:
        config: Resolved; the encoder's own values may be of any type.
    """
    encoder = config["encoder"]
    problems = [*_adapter_problems(encoder), *_quantize_problems(encoder)]
    if encoder.get("compiled") is True:
        problems += _compiler_problems(config["trainer"])
    if str(encoder.get("dtype")) in _PRECISIONS:
        problems += _dtype_problems(config, encoder["dtype"])
    return problems


def _adapter_problems(encoder: Mapping[str, Any]) -> Iterator[str]:
    if encoder.get("adapter") is None:
        return
    if (absent := lacking("peft", asked_by="encoder/adapter", extra="lora")) is not None:
        yield absent
    if encoder.get("frozen"):
        yield "encoder/adapter trains beside an encoder, and encoder.frozen=true trains nothing: leave one out"


def _quantize_problems(encoder: Mapping[str, Any]) -> Iterator[str]:
    if encoder.get("quantize") is None:
        return
    asked_by = f"encoder.quantize={encoder['quantize']}"
    absent = (lacking(package, asked_by=asked_by, extra="quantize") for package in ("bitsandbytes", "accelerate"))
    yield from filter(None, absent)
    if _is_trained(encoder):
        yield f"{asked_by} holds weights that cannot be trained: encoder/adapter=lora trains beside them"


def _compiler_problems(trainer: Mapping[str, Any]) -> Iterator[str]:
    if planned_accelerator() is not None or accelerator_type(str(trainer.get("accelerator", "auto"))) != "cpu":
        return
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")  # torch's own choice
    if shutil.which(compiler) is None:
        yield (
            f"encoder.compiled=true needs a C++ compiler on a CPU, and there is no {compiler} here: install one, "
            "or name another by the variable CXX; encoder.compiled=false needs none"
        )


def _dtype_problems(config: Mapping[str, Any], dtype: str) -> Iterator[str]:
    encoder, asked = config["encoder"], f"encoder.dtype={dtype}"
    if _is_trained(encoder):
        yield (
            f"{asked} holds weights that cannot be trained, since a step is less than their last bit: "
            "encoder/adapter=lora trains beside them, and trainer.precision=bf16-mixed keeps them in float32"
        )
    if (encoder.get("adapter") or {}).get("bias") == "all":
        yield f"{asked} holds biases that cannot be trained: encoder.adapter.bias=none"
    if config["trainer"].get("strategy") == "fsdp":
        yield f"trainer.strategy=fsdp shards weights of one type: encoder.dtype=float32, got {dtype}"


def precision_problems(config: Mapping[str, Any], dtype: str) -> list[str]:
    """Why a run cannot compute with weights of a type; asked before it trains, not of a run that is read back.

    Args:
        config: Resolved, its values of the right types.
        dtype: Type of the encoder's weights, which ``encoder.dtype=auto`` leaves to its checkpoint.
    """
    if dtype not in _PRECISIONS:
        return []
    encoder, precision = config["encoder"], canonical_precision(config["trainer"].get("precision", 32))
    problems = list(_dtype_problems(config, dtype)) if encoder["dtype"] == "auto" else []
    if precision not in _PRECISIONS[dtype]:
        valid = " or ".join(_PRECISIONS[dtype])
        problems.append(f"encoder.dtype={dtype} goes with trainer.precision={valid}, got {precision}")
    elif dtype == "float16" and not encoder.get("frozen") and precision != "16-mixed":
        problems.append(
            "encoder.dtype=float16 needs trainer.precision=16-mixed beside an adapter, since small gradients vanish "
            "unless the loss is scaled; bfloat16 needs nothing"
        )
    return problems


def _is_trained(encoder: Mapping[str, Any]) -> bool:
    return not encoder.get("frozen") and encoder.get("adapter") is None

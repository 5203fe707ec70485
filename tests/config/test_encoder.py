"""What does not go together in how an encoder is loaded and trained."""

from __future__ import annotations

import sys

import pytest

from poolsweep.config.encoder import encoder_problems, precision_problems

LORA = {"adapter": {"_target_": "poolsweep.encoder.adapter.Adapter", "bias": "none"}}
FROZEN = {"frozen": True, "adapter": None}
TRAINED = {"frozen": False, "adapter": None}


def config(encoder: dict, **trainer) -> dict:
    return {"encoder": {"dtype": "float32", "quantize": None, **encoder}, "trainer": trainer}


@pytest.mark.parametrize(
    ("encoder", "trainer", "said"),
    [
        ({**LORA, "frozen": True}, {}, ["encoder/adapter trains beside an encoder, and encoder.frozen=true"]),
        ({**TRAINED, "dtype": "bfloat16"}, {}, ["encoder.dtype=bfloat16 holds weights that cannot be trained"]),
        ({**TRAINED, "dtype": "float16"}, {}, ["encoder.dtype=float16 holds weights that cannot be trained"]),
        ({**LORA, "dtype": "bfloat16"}, {"strategy": "fsdp"}, ["trainer.strategy=fsdp shards weights of one type"]),
        ({"adapter": {"bias": "all"}, "dtype": "bfloat16"}, {}, ["encoder.dtype=bfloat16 holds biases that cannot"]),
        ({**LORA, "dtype": "bfloat16"}, {}, []),
        ({**FROZEN, "dtype": "float16"}, {}, []),
        (TRAINED, {"strategy": "fsdp"}, []),
        ({**FROZEN, "dtype": {}, "quantize": None}, {}, []),  # its type is refused elsewhere
    ],
)
def test_problems_are_named(encoder: dict, trainer: dict, said: list[str]):
    found = encoder_problems(config(encoder, **trainer))
    assert [one.startswith(start) for one, start in zip(found, said, strict=True)] == [True] * len(said)


def test_quantised_weights_are_not_trained_and_need_their_packages(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    absent, trained = encoder_problems(config({**TRAINED, "quantize": "4bit"}))
    assert absent == "encoder.quantize=4bit needs bitsandbytes: pip install 'poolsweep[quantize]'"
    assert trained.startswith("encoder.quantize=4bit holds weights that cannot be trained")


@pytest.mark.parametrize(
    ("encoder", "dtype", "precision", "fits"),
    [
        (LORA, "bfloat16", "32", True), (LORA, "bfloat16", "bf16-mixed", True), (LORA, "bfloat16", "bf16-true", False),
        (LORA, "bfloat16", "16-mixed", False), (LORA, "float16", "32", False), (LORA, "float16", "16-mixed", True),
        (FROZEN, "float16", "32", True), (FROZEN, "float16", "64-true", False), (TRAINED, "float32", "bf16-true", True),
    ],
)  # fmt: skip
def test_precisions_that_go_with_weights_in_16_bits(encoder: dict, dtype: str, precision: str, fits: bool):
    assert (precision_problems(config(encoder | {"dtype": dtype}, precision=precision), dtype) == []) == fits


def test_auto_is_judged_by_what_the_checkpoint_holds():
    assert encoder_problems(config({**TRAINED, "dtype": "auto"})) == []
    asked = config({**TRAINED, "dtype": "auto"}, precision="32")
    assert precision_problems(asked, "float32") == []
    [found] = precision_problems(asked, "bfloat16")
    assert "cannot be trained" in found


@pytest.mark.parametrize(
    ("compiler", "accelerator", "refused"),
    [("nowhere++", "cpu", True), (sys.executable, "cpu", False), ("nowhere++", "cuda", False)],
)
def test_compiling_on_a_cpu_needs_a_compiler(compiler: str, accelerator: str, refused: bool, monkeypatch):
    monkeypatch.setenv("CXX", compiler)
    found = encoder_problems(config({**TRAINED, "compiled": True}, accelerator=accelerator))
    assert [one.startswith("encoder.compiled=true needs a C++ compiler") for one in found] == [True] * refused

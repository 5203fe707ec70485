"""The conformance suite over every pair of YAMLs in conf/pooling: a new one is covered by existing."""

from __future__ import annotations

from functools import cache

import pytest

from poolsweep.pooling.conformance import CheckResult, cheap_checks, costly_checks, pair_subject
from poolsweep.pooling.make import find_class
from poolsweep.pooling.presets import half_names, load_half

LAYERS, TOKENS = half_names("layers"), half_names("tokens")


def one_per_class(kind: str, names: tuple[str, ...]) -> list[str]:
    """Names of halves that do not share their class with an earlier one: costly checks are run once per class."""
    classes = {load_half(kind, name)["_target_"]: name for name in reversed(names)}
    return sorted(classes.values())


LAYER_CLASSES, TOKEN_CLASSES = one_per_class("layers", LAYERS), one_per_class("tokens", TOKENS)

# The options that change what is computed, beside the YAML's own.
TOKEN_VARIANTS = [
    *((name, {"include_special": False}) for name in TOKENS if "include_special" in load_half("tokens", name)),
    ("lstm", {"read": "max"}),
    ("power_mean", {"learnable": False}),
    ("multihead_attention", {"num_seeds": 3}),
    ("dimension_attention", {"num_heads": 2}),
]
LAYER_VARIANTS = [
    *((name, {"norm_per_layer": True}) for name in LAYER_CLASSES if "norm_per_layer" in load_half("layers", name)),
    ("weighted_sum", {"normalise": False}),
    ("first_last_mean", {"first": 0}),
]


@cache
def goes_together(layers: str, tokens: str) -> bool:
    """Pooler reads the last layer alone; every other pair must work."""
    needs_last = getattr(find_class(load_half("tokens", tokens)["_target_"]), "needs_last_layer", False)
    return not needs_last or layers in {"last", "single"}


@cache
def equal_half(kind: str, name: str) -> str:
    """The first half with the same content: last4_concat is concat, and what holds of one holds of the other."""
    names = {"layers": LAYERS, "tokens": TOKENS}[kind]
    return next(other for other in names if load_half(kind, other) == load_half(kind, name))


@cache
def results_of(layers: str, tokens: str) -> list[CheckResult]:
    return cheap_checks(pair_subject(layers, tokens))


def assert_all_passed(results: list[CheckResult]) -> None:
    assert results, "premise: something was checked"
    assert not [str(result) for result in results if result.failed]


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("layers", LAYERS)
def test_every_pair(layers: str, tokens: str) -> None:
    if goes_together(layers, tokens):
        assert_all_passed(results_of(equal_half("layers", layers), equal_half("tokens", tokens)))
    else:
        with pytest.raises(ValueError, match=f"pooling.tokens={tokens} .* goes only with pooling.layers=last"):
            pair_subject(layers, tokens).build()


@pytest.mark.parametrize(("tokens", "options"), TOKEN_VARIANTS, ids=str)
def test_every_token_option(tokens: str, options: dict) -> None:
    for layers in ("last", "concat"):
        assert_all_passed(cheap_checks(pair_subject(layers, tokens, token_options=options)))


@pytest.mark.parametrize(("layers", "options"), LAYER_VARIANTS, ids=str)
def test_every_layer_option(layers: str, options: dict) -> None:
    for tokens in ("mean", "cls", "attention"):
        assert_all_passed(cheap_checks(pair_subject(layers, tokens, layer_options=options)))


@pytest.mark.slow
@pytest.mark.parametrize("tokens", TOKEN_CLASSES)
def test_gradients_compiler_and_onnx_of_a_token_pooling(tokens: str) -> None:
    assert_nothing_skipped(costly_checks(pair_subject("last", tokens)))


@pytest.mark.slow
@pytest.mark.parametrize("layers", LAYER_CLASSES)
def test_gradients_compiler_and_onnx_of_a_layer_mix(layers: str) -> None:
    assert_nothing_skipped(costly_checks(pair_subject(layers, "max")))


@pytest.mark.slow
def test_tokens_without_special_ones_export_to_onnx() -> None:
    assert_nothing_skipped(costly_checks(pair_subject("last", "mean", token_options={"include_special": False})))


def assert_nothing_skipped(results: list[CheckResult]) -> None:
    assert_all_passed(results)
    skipped = [result.detail for result in results if result.status == "skipped"]
    if skipped:
        pytest.skip("; ".join(skipped))

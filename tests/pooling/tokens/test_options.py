"""Options that cannot work are refused by name; those that can do what they say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.tokens.attention_weighted import AttentionWeighted
from poolsweep.pooling.tokens.cls_attention import ClsAttention
from poolsweep.pooling.tokens.cnn import Cnn
from poolsweep.pooling.tokens.generalized_pooling import GeneralizedPooling
from poolsweep.pooling.tokens.lstm import Lstm
from poolsweep.pooling.tokens.mask_prompt import MaskPrompt
from poolsweep.pooling.tokens.multihead_attention import MultiheadAttention
from poolsweep.pooling.tokens.pooler import Pooler
from poolsweep.pooling.tokens.power_mean import PowerMean

HIDDEN, MASK = torch.tensor([[[-2.0], [0.0], [4.0]]]), torch.ones(1, 3, dtype=torch.bool)

REFUSED: list[tuple[Callable[[], object], str]] = [
    (
        lambda: MultiheadAttention(num_heads=5, num_seeds=1, input_size=384),
        r"pooling\.tokens\.num_heads must divide .* got 5 and 384 \(nearest: 4 or 6\)",
    ),
    (lambda: ClsAttention(num_heads=0, input_size=8), r"num_heads must divide .* got 0 and 8 \(nearest: 1\)"),
    (
        lambda: PowerMean(initial_power=1.0, learnable=True, input_size=8),
        r"initial_power must be above 1 \(1 is tokens=mean\)",
    ),
    (lambda: Lstm(state_size=2, read="mean", input_size=8), "read must be last or max, got mean"),  # type: ignore[arg-type]
    (lambda: Cnn(widths=[], num_filters=2, input_size=8), r"widths must be one or more numbers from 1 on, got \[\]"),
    (
        lambda: GeneralizedPooling(position_size=3, state_size=2, temperature=0.1, input_size=8),
        "position_size must be an even number from 2 on, got 3",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        (Pooler(input_size=1), "needs an encoder with a pooler"),
        (AttentionWeighted(attention_layer=-1, input_size=1), r"set encoder\.attention=eager"),
        (MaskPrompt(template="{text} [MASK]", input_size=1), r"needs context\.template"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_missing_context_is_named(pooling: torch.nn.Module, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pooling(HIDDEN, MASK, PoolingContext())


def test_attention_layer_must_exist() -> None:
    context = PoolingContext(attentions=(torch.ones(1, 1, 3, 3),))
    with pytest.raises(ValueError, match=r"attention_layer must lie between -1 and 0 .* got 1"):
        AttentionWeighted(attention_layer=1, input_size=1)(HIDDEN, MASK, context)


def test_power_mean_lies_between_mean_and_maximum() -> None:
    def of(power: float) -> float:
        return PowerMean(initial_power=power, learnable=False, input_size=1)(HIDDEN, MASK, PoolingContext()).item()

    assert of(1 + 1e-6) == pytest.approx(2 / 3, abs=1e-4)
    # Distances to -2 are 0, 2 and 6: ((0 + 4 + 36) / 3)^(1/2) - 2.
    assert of(2.0) == pytest.approx((40 / 3) ** 0.5 - 2, abs=1e-5)
    assert of(200.0) == pytest.approx(4, abs=0.1)


def test_power_mean_learns_its_power() -> None:
    pooling = PowerMean(initial_power=3.0, learnable=True, input_size=1)
    pooling(HIDDEN, MASK, PoolingContext()).sum().backward()
    (power,) = pooling.parameters()
    assert power.grad is not None
    assert power.grad.item() > 0, "a larger power moves towards the maximum"
    assert not list(PowerMean(initial_power=3.0, learnable=False, input_size=1).parameters())

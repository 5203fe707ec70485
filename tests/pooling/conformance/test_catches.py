"""The suite finds each fault that it is there to find."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling
from poolsweep.pooling.conformance.numerics import exports_to_onnx, gradients_are_right
from poolsweep.pooling.conformance.subject import Subject
from poolsweep.pooling.conformance.suite import Check, cheap_checks, run_checks
from poolsweep.pooling.functional import masked_max, masked_mean, masked_sum
from poolsweep.pooling.layers.single import Single
from poolsweep.pooling.pooling import Pooling


def tokens_of(pool: Callable[[Tensor, Tensor], Tensor], **attributes: object) -> TokenPooling:
    def forward(self: TokenPooling, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        return pool(hidden, mask)

    return type("Broken", (TokenPooling,), {"forward": forward, **attributes})(input_size=8)


def subject_of(tokens: Callable[[], TokenPooling]) -> Subject:
    return Subject("broken", lambda: Pooling(layers=Single(index=-1, num_layers=5, hidden_size=8), tokens=tokens()))


def failures(subject: Subject) -> dict[str, str]:
    return {result.check: result.detail for result in cheap_checks(subject) if result.failed}


def in_place(hidden: Tensor, mask: Tensor) -> Tensor:
    hidden.masked_fill_(~mask[..., None], 0)
    return masked_mean(hidden, mask)


def multiplied(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask[..., None]).sum(dim=1)


FAULTS: list[tuple[str, Callable[[Tensor, Tensor], Tensor], dict[str, object]]] = [
    ("padding_content_ignored", multiplied, {}),
    ("left_equals_right", lambda h, m: h[:, 0].masked_fill(~m[:, :1], 0), {}),
    ("batch_independent", lambda h, m: masked_sum(h, m) / m.shape[1], {}),
    ("batch_independent", lambda h, m: masked_mean(h, m) - masked_mean(h, m).mean(0), {}),
    ("all_padding_gives_zeros", lambda h, m: masked_mean(h, m) + 1, {}),
    ("one_token_row", lambda h, m: masked_mean(h, m).masked_fill(m.sum(1, keepdim=True) < 2, 0), {}),
    ("input_unchanged", in_place, {}),
    ("finite_gradients", lambda h, m: masked_mean(h, m).detach(), {}),
    ("output_size_true", lambda h, m: masked_mean(h, m)[:, :3], {}),
    ("output_size_true", lambda h, m: masked_mean(h, m).float(), {}),
    ("flags_true", lambda h, m: masked_max(h, m), {"linear_in_tokens": True}),
    ("flags_true", lambda h, m: masked_mean(h, m), {"selects_token": True}),
    ("flags_true", lambda h, m: masked_mean(h, m).cumsum(1), {"per_dimension": True}),
    ("explanation_fits", lambda h, m: masked_mean(h, m), {"explain": lambda self, h, m, c: {"weights": h}}),
    (
        "explanation_fits",
        lambda h, m: masked_mean(h, m),
        {"explain": lambda self, h, m, c: {"weights": torch.ones(m.shape)}},
    ),
]


@pytest.mark.parametrize(
    ("check", "pool", "attributes"), FAULTS, ids=[f"{check}-{i}" for i, (check, *_) in enumerate(FAULTS)]
)
def test_fault_is_found(check: str, pool: Callable[[Tensor, Tensor], Tensor], attributes: dict[str, object]) -> None:
    assert check in failures(subject_of(lambda: tokens_of(pool, **attributes)))


def test_a_sound_pooling_passes() -> None:
    assert failures(subject_of(lambda: tokens_of(masked_mean, linear_in_tokens=True, per_dimension=True))) == {}


def test_half_precision_sums_are_found() -> None:
    def stalls(hidden: Tensor, mask: Tensor) -> Tensor:
        total = hidden.new_zeros(hidden.shape[0], hidden.shape[2])
        for token in hidden.masked_fill(~mask[..., None], 0).unbind(dim=1):
            total = total + token
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1).to(hidden.dtype)

    found = failures(subject_of(lambda: tokens_of(stalls)))
    assert "4096 tokens against float64" in found["long_rows"]


def test_padding_that_reaches_a_weights_gradient_is_found() -> None:
    class LateMask(TokenPooling):
        """Its results are right, but NaN at padding times a zero gradient is NaN in the weight's."""

        def __init__(self, *, input_size: int) -> None:
            super().__init__(input_size=input_size)
            self.dense = nn.Linear(input_size, input_size)

        def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
            return masked_mean(self.dense(hidden), mask)

    found = failures(subject_of(lambda: LateMask(input_size=8)))
    assert found.keys() == {"finite_gradients", "autocast_agrees"}, "its results are right everywhere"
    assert found["finite_gradients"] == "the gradient of tokens.dense.weight has NaN or infinity"


def test_weights_outside_the_state_dict_are_found() -> None:
    class Forgetful(TokenPooling):
        def __init__(self, *, input_size: int) -> None:
            super().__init__(input_size=input_size)
            self.factor = torch.rand(())

        def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
            return masked_mean(hidden, mask) * self.factor.to(hidden.dtype)

    assert "state_dict_round_trip" in failures(subject_of(lambda: Forgetful(input_size=8)))


def test_a_context_that_is_read_but_not_declared_is_found() -> None:
    class Undeclared(TokenPooling):
        def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
            assert context.special is not None
            return masked_mean(hidden, mask & ~context.special)

    assert "AssertionError" in failures(subject_of(lambda: Undeclared(input_size=8)))["output_size_true"]


class _WrongBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


def run_costly(check: Check, tokens: Callable[[], TokenPooling], dtype: torch.dtype) -> str:
    (result,) = run_checks(subject_of(tokens), [check], [dtype])
    return result.detail if result.failed else result.status


def test_a_wrong_backward_is_found() -> None:
    def pool(hidden: Tensor, mask: Tensor) -> Tensor:
        return _WrongBackward.apply(masked_mean(hidden, mask))

    assert "gradcheck" in run_costly(gradients_are_right, lambda: tokens_of(pool), torch.float64)


def test_what_onnx_cannot_hold_is_found_unless_it_is_listed() -> None:
    def pool(hidden: Tensor, mask: Tensor) -> Tensor:
        return masked_mean(hidden, mask) * (2.0 if hidden.sum().item() > 0 else 1.0)

    assert run_costly(exports_to_onnx, lambda: tokens_of(pool), torch.float32) not in {"passed", "skipped"}
    assert run_costly(exports_to_onnx, lambda: tokens_of(pool, onnx_exportable=False), torch.float32) == "skipped"


class AcrossTokens(LayerMix):
    """Not a layer mix: it looks at the neighbours."""

    linear = True

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        return hidden[0] + hidden[0].roll(1, dims=1)


class NotLinear(LayerMix):
    """Says it is linear, and that it copies."""

    linear = concatenates = passes_last_layer = True

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        return hidden[0].square()


@pytest.mark.parametrize(
    ("mix", "detail"), [(AcrossTokens, "looks across tokens"), (NotLinear, "linear, mix(2a - 3b)")]
)
def test_a_false_layer_mix_is_found(mix: type[LayerMix], detail: str) -> None:
    def build() -> nn.Module:
        return Pooling(layers=mix(layers_needed=[5], output_size=8), tokens=tokens_of(masked_mean))

    assert detail in failures(Subject("broken", build))["flags_true"]

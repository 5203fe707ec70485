"""``poolsweep check`` on a newcomer's own classes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from poolsweep.errors import UserError
from poolsweep.pooling.conformance import check_class, run_check
from poolsweep.pooling.conformance.target import subjects
from poolsweep.terminal.console import Console

PACKAGE = """
import torch
from torch import nn

from poolsweep.pooling import LayerMix, TokenPooling
from poolsweep.pooling.functional import first_token, masked_mean


class Sound(TokenPooling):
    def __init__(self, *, scale, input_size):
        super().__init__(input_size=input_size)
        self.scale = scale

    def forward(self, hidden, mask, context):
        return masked_mean(hidden, mask) * self.scale


class Leaky(TokenPooling):
    def forward(self, hidden, mask, context):
        return hidden.mean(dim=1)


class Difference(LayerMix):
    linear = True

    def __init__(self, *, num_layers, hidden_size):
        super().__init__(layers_needed=[0, num_layers], output_size=hidden_size)

    def forward(self, hidden):
        return hidden[1] - hidden[0]


class Whole(nn.Module):
    def __init__(self, num_layers, hidden_size):
        super().__init__()
        self.layers_needed, self.output_size = (num_layers,), hidden_size
        self.dense = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, hidden, mask, context=None):
        return self.dense(first_token(hidden[0], mask))

    def auxiliary_loss(self):
        return None


def a_function():
    pass
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "newcomers_poolings.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    return "newcomers_poolings"


def run(target: str, options: dict | None = None) -> tuple[int, str]:
    printed = io.StringIO()
    status = run_check(target, options, console=Console(file=printed, width=200, soft_wrap=True))
    return status, printed.getvalue()


def test_a_sound_token_pooling_passes(package: str) -> None:
    status, printed = run(f"{package}.Sound", {"scale": 2.0})
    assert status == 0, printed
    assert "0 failed" in printed


def test_a_fault_is_named_with_its_reason(package: str) -> None:
    status, printed = run(f"{package}.Leaky")
    assert status == 1
    line = next(line for line in printed.splitlines() if "padding_content_ignored" in line)
    assert line.startswith(
        "failed last + newcomers_poolings.Leaky: padding_content_ignored (float32, bfloat16, float16)"
    )
    assert "padding filled with nan instead of 0: the result has NaN or infinity" in line


def test_a_layer_mix_is_checked_beside_three_token_poolings(package: str) -> None:
    results = check_class(f"{package}.Difference")
    assert not [str(result) for result in results if result.failed]
    assert {result.subject.rpartition(" ")[2] for result in results} == {"max", "mean", "cls"}


def test_a_whole_pooling_is_checked_by_itself(package: str) -> None:
    results = check_class(f"{package}.Whole")
    assert not [str(result) for result in results if result.failed]


def test_our_own_classes_take_their_options_from_the_yaml() -> None:
    (last, concat, _) = subjects("poolsweep.pooling.tokens.cnn.Cnn")
    assert last.build().output_size == concat.build().output_size == 300
    assert len(subjects("poolsweep.pooling.tokens.pooler.Pooler")) == 1


@pytest.mark.parametrize(
    ("target", "options", "problem"),
    [
        ("Sound", {}, "newcomers_poolings.Sound needs the option scale: give scale=…"),
        ("Sound", {"scale": 1.0, "size": 3}, "newcomers_poolings.Sound has no option size"),
        ("Missing", {}, "newcomers_poolings.Missing: newcomers_poolings has no Missing"),
        ("a_function", {}, "is no class that derives from LayerMix, TokenPooling, ChunkPooling or torch.nn.Module"),
    ],
)
def test_what_cannot_be_built_says_why(package: str, target: str, options: dict, problem: str) -> None:
    with pytest.raises(UserError) as refused:
        run(f"{package}.{target}", options)
    assert problem in str(refused.value)


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(UserError, match="cannot import nowhere"):
        check_class("nowhere.Pooling")

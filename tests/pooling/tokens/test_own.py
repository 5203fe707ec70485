"""Own beside its parity with sentence-transformers (tests/encoder/test_shipped.py): contract, names, fixed weights."""

from __future__ import annotations

import pytest
import torch

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.conformance.suite import run_check
from poolsweep.pooling.tokens.own import Own


def test_every_mode_and_part_keeps_the_contract(capsys) -> None:
    modes = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
    after = ["Dense 12 GELU residual", "Normalize", "Dense 5 Tanh no_bias", "Normalize"]
    assert run_check("poolsweep.pooling.tokens.own.Own", {"modes": modes, "after": after}) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "", "normalize", "Dense", "Dense 8", "Dense 0 Tanh", "Dense -1 Tanh", "Dense 8 Embedding", "Dense 8 Tanh x",
        "Dense 99999999 Tanh", "Dense \u0663 Tanh",
    ],
)  # fmt: skip
def test_a_part_that_there_is_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"pooling\.tokens\.after has"):
        Own(input_size=4, after=[text])


def test_fixed_weights_are_no_parameters_and_keep_their_names() -> None:
    pooling = Own(input_size=4, modes=["mean"], after=["Dense 3 Tanh residual", "Dense 3 Identity no_bias"])
    hidden, mask = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    before, names = pooling(hidden, mask), sorted(pooling.state_dict())
    pooling.fix_weights()
    assert not list(pooling.parameters())
    assert sorted(pooling.state_dict()) == names == sorted(
        ["parts.0.linear.bias", "parts.0.linear.weight", "parts.0.residual.weight", "parts.1.linear.weight"]
    )  # fmt: skip
    torch.testing.assert_close(pooling(hidden, mask), before)


def test_explain_gives_the_weights_of_each_mode() -> None:
    hidden, mask = torch.randn(1, 4, 3), torch.tensor([[True, True, True, False]])
    context = PoolingContext(prefix=torch.tensor([[True, False, False, False]]))
    found = Own(input_size=3, modes=["mean", "lasttoken", "max"]).explain(hidden, mask, context)
    torch.testing.assert_close(found["weights"], torch.tensor([[[0, 0.5, 0.5, 0], [0, 0, 1, 0]]]))
    assert found["shares"][0, 0] == found["shares"][0, 3] == 0
    assert Own(input_size=3, modes=["mean"]).explain(hidden, mask, context)["weights"].shape == (1, 4)

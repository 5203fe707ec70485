"""What learned layer mixes do beside their arithmetic."""

from __future__ import annotations

import pytest
import torch

from poolsweep.pooling.layers.concat import Concat
from poolsweep.pooling.layers.max import Max
from poolsweep.pooling.layers.scalar_mix import ScalarMix
from poolsweep.pooling.layers.weighted_sum import WeightedSum


def scalar_mix(**options) -> ScalarMix:
    defaults = {"last": 2, "include_embeddings": False, "layer_dropout": 0.0, "num_layers": 2, "hidden_size": 1}
    return ScalarMix(**(defaults | options))


def test_layer_dropout_leaves_layers_out_in_training_only() -> None:
    mix = scalar_mix(layer_dropout=0.5)
    low, high = torch.full((1, 1, 1), 1.0), torch.full((1, 1, 1), 3.0)
    torch.manual_seed(0)
    found = {mix((low, high)).item() for _ in range(50)}
    assert found == {1.0, 2.0, 3.0}, "either layer alone, or both (also where both would be left out)"
    assert {mix.eval()((low, high)).item() for _ in range(5)} == {2.0}


def test_layer_dropout_must_be_a_probability_below_one() -> None:
    with pytest.raises(ValueError, match="layer_dropout must be at least 0 and below 1, got 1"):
        scalar_mix(layer_dropout=1.0)


def test_weights_that_sum_to_zero_stay_finite() -> None:
    mix = WeightedSum(last=2, normalise=True, num_layers=2, hidden_size=1)
    with torch.no_grad():
        mix.weight.copy_(torch.tensor([1.0, -1.0]))
    result = mix((torch.full((1, 1, 1), 3.0), torch.full((1, 1, 1), 1.0)))
    assert result.item() == pytest.approx(2000)  # (3 - 1) / 0.001
    result.sum().backward()
    assert mix.weight.grad is not None
    assert mix.weight.grad.isfinite().all()


def test_first_and_last_exclude_each_other() -> None:
    with pytest.raises(ValueError, match=r"either first or last .* got first=2 and last=3"):
        Concat(first=2, last=3, num_layers=6, hidden_size=4)
    with pytest.raises(ValueError, match=r"pooling.layers.first must lie between 1 and the encoder's 6 layers, got 7"):
        Concat(first=7, num_layers=6, hidden_size=4)


def test_a_not_a_number_is_not_hidden_by_the_maximum() -> None:
    mix = Max(last=3, num_layers=3, hidden_size=1)
    values = [torch.full((1, 1, 1), value) for value in (1.0, float("nan"), 2.0)]
    assert mix(tuple(values)).isnan().all()
    assert mix(tuple(values[::-1])).isnan().all()


def test_layer_weights_say_what_counts() -> None:
    hidden = (torch.tensor([[[1.0, 5.0]]]), torch.tensor([[[2.0, 4.0]]]))
    assert Max(last=2, num_layers=2, hidden_size=2).layer_weights(hidden).tolist() == [[[0.5, 0.5]]]
    assert Concat(last=2, num_layers=2, hidden_size=2).layer_weights(hidden) is None
    assert scalar_mix().layer_weights(hidden).tolist() == [0.5, 0.5]


def test_normalised_layers_are_no_longer_linear() -> None:
    plain, normed = (Concat(last=2, num_layers=2, hidden_size=2, norm_per_layer=flag) for flag in (False, True))
    assert (plain.linear, plain.concatenates) == (True, True)
    assert (normed.linear, normed.concatenates) == (False, False)
    scaled = (torch.tensor([[[1.0, 3.0]]]), torch.tensor([[[100.0, 300.0]]]))
    torch.testing.assert_close(normed(scaled), torch.tensor([[[-1.0, 1.0, -1.0, 1.0]]]), rtol=0, atol=1e-4)

"""Parity with sentence-transformers' Pooling (all its modes) and WeightedLayerPooling."""

from __future__ import annotations

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling as TheirPooling
from sentence_transformers.sentence_transformer.modules import WeightedLayerPooling

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.layers.weighted_sum import WeightedSum
from poolsweep.pooling.make import find_class
from poolsweep.pooling.presets import load_half

OURS = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "position_weighted_mean",
    "lasttoken": "last",
    ("mean", "max"): "mean_max",
    ("cls", "mean", "max"): "cls_mean_max",
}
RIGHT = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])


def test_every_mode_of_theirs_is_compared() -> None:
    assert set(TheirPooling.POOLING_MODES) == {mode for mode in OURS if isinstance(mode, str)}


@pytest.mark.parametrize("mask", [RIGHT, RIGHT.flip(1)], ids=["right", "left"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("mode", OURS, ids=str)
def test_pooling_mode(mode: str | tuple[str, ...], dtype: torch.dtype, mask: torch.Tensor) -> None:
    assert not mask.all(), "premise: some padding exists"
    hidden = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    theirs = TheirPooling(8, pooling_mode=mode)({"token_embeddings": hidden.clone(), "attention_mask": mask})
    options = load_half("tokens", OURS[mode])
    ours = find_class(options.pop("_target_"))(**options, input_size=8)(hidden, mask.bool(), PoolingContext())
    torch.testing.assert_close(ours, theirs["sentence_embedding"])


def test_all_padding_rows_differ_on_purpose() -> None:
    """Theirs gives -inf for the maximum of nothing and the padding itself for its first token; ours zeros."""
    features = {"token_embeddings": torch.ones(1, 2, 1), "attention_mask": torch.zeros(1, 2, dtype=torch.long)}
    theirs = TheirPooling(1, pooling_mode=("cls", "mean", "max"))(features)["sentence_embedding"]
    assert theirs.tolist() == [[1.0, 0.0, -torch.inf]]
    options = load_half("tokens", "cls_mean_max")
    ours = find_class(options.pop("_target_"))(**options, input_size=1)
    assert ours(torch.ones(1, 2, 1), torch.zeros(1, 2, dtype=torch.bool), PoolingContext()).tolist() == [[0, 0, 0]]


def test_weighted_layer_pooling() -> None:
    torch.manual_seed(0)
    theirs = WeightedLayerPooling(8, num_hidden_layers=6, layer_start=3)
    ours = WeightedSum(last=4, normalise=True, num_layers=6, hidden_size=8)
    with torch.no_grad():
        theirs.layer_weights.copy_(torch.tensor([0.5, -1.0, 2.0, 0.25]))
        ours.weight.copy_(theirs.layer_weights)
    hidden = tuple(torch.randn(7, 2, 3, 8))
    expected = theirs({"all_layer_embeddings": hidden})["token_embeddings"]
    torch.testing.assert_close(ours(hidden[3:]), expected)
    assert ours.layers_needed == (3, 4, 5, 6)

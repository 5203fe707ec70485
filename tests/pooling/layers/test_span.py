"""Which layers a mix of neighbouring ones reads, and how its formula names them."""

from __future__ import annotations

import pytest

from poolsweep.pooling.layers.all_mean import AllMean
from poolsweep.pooling.layers.concat import Concat
from poolsweep.pooling.layers.mean import Mean
from poolsweep.pooling.layers.scalar_mix import ScalarMix
from poolsweep.pooling.layers.span import SpanMix

SIZES = {"num_layers": 6, "hidden_size": 4}
ELMO = ScalarMix(last=2, include_embeddings=True, layer_dropout=0.0, **SIZES)


@pytest.mark.parametrize(
    ("mix", "layers", "span", "size"),
    [
        (Mean(last=4, **SIZES), (3, 4, 5, 6), "-4 … -1", 4),
        (Mean(first=2, **SIZES), (1, 2), "1 … 2", 4),
        (Concat(**SIZES), (1, 2, 3, 4, 5, 6), "-6 … -1", 24),
        (AllMean(**SIZES), (1, 2, 3, 4, 5, 6), "-6 … -1", 4),
        (AllMean(include_embeddings=True, **SIZES), (0, 1, 2, 3, 4, 5, 6), "0 … 6", 4),
        (ELMO, (0, 5, 6), "0, -2 … -1", 4),
    ],
)
def test_layers_span_and_size(mix: SpanMix, layers: tuple[int, ...], span: str, size: int) -> None:
    assert (mix.layers_needed, mix.span, mix.output_size) == (layers, span, size)


@pytest.mark.parametrize("count", [0, -1, 7])
@pytest.mark.parametrize("side", ["first", "last"])
def test_there_are_as_many_layers_as_asked_for(side: str, count: int) -> None:
    refusal = f"pooling.layers.{side} must lie between 1 and the encoder's 6 layers, got {count}"
    with pytest.raises(ValueError, match=refusal):
        Mean(**{side: count}, **SIZES)

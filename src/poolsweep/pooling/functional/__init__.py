"""The arithmetic of the poolings, as pure functions.

Legend: hidden (B, T, H) float; mask (B, T) bool, True = real token; pooled (B, H). Masked positions are replaced, never
multiplied (NaN times 0 is NaN); sums accumulate in float32 or better; a row without a real token gives zeros.
"""

from poolsweep.pooling.functional.attention import attend, masked_softmax, weigh_tokens
from poolsweep.pooling.functional.layers import (
    layer_max,
    layer_mean,
    layer_sum,
    normalise_state,
    weigh_layers,
)
from poolsweep.pooling.functional.precision import accumulation_dtype, at_least_float32
from poolsweep.pooling.functional.recurrent import run_cell, run_recurrent
from poolsweep.pooling.functional.reduce import (
    dimensions_won,
    generalised_mean,
    masked_max,
    masked_mean,
    masked_min,
    masked_sum,
    mean_sqrt_len,
    position_weighted_mean,
    sorted_tokens,
)
from poolsweep.pooling.functional.select import (
    align_left,
    first_token,
    last_token,
    restrict,
    reverse_tokens,
    zero_padding,
)

__all__ = [
    "accumulation_dtype",
    "align_left",
    "at_least_float32",
    "attend",
    "dimensions_won",
    "first_token",
    "generalised_mean",
    "last_token",
    "layer_max",
    "layer_mean",
    "layer_sum",
    "masked_max",
    "masked_mean",
    "masked_min",
    "masked_softmax",
    "masked_sum",
    "mean_sqrt_len",
    "normalise_state",
    "position_weighted_mean",
    "restrict",
    "reverse_tokens",
    "run_cell",
    "run_recurrent",
    "sorted_tokens",
    "weigh_layers",
    "weigh_tokens",
    "zero_padding",
]

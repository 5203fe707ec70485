"""Every layer mix against NumPy, one token at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poolsweep.pooling.make import find_class
from poolsweep.pooling.presets import load_half

SIZE, DEPTH = 4, 6


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def weighted(h, w, options):
    weights = w["weight"] / w["weight"].sum() if options["normalise"] else w["weight"]
    return weights @ h


def attention(h, w, options):
    return (softmax(h @ w["query"] / np.sqrt(SIZE)) @ h) @ w["output.weight"].T


def lstm(h, w, options):
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    state, cell = np.zeros(SIZE), np.zeros(SIZE)
    for layer in h:
        gates = w["cell.weight_ih"] @ layer + w["cell.bias_ih"] + w["cell.weight_hh"] @ state + w["cell.bias_hh"]
        i, f, g, o = np.split(gates, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        state = sigmoid(o) * np.tanh(cell)
    return state


# name: which of layers 0 … DEPTH are read, f(those of one token (n, H), weights, options)
LAST4, ALL = [3, 4, 5, 6], [1, 2, 3, 4, 5, 6]
NAIVE = {
    "last": ([6], lambda h, w, o: h[0]),
    "second_to_last": ([5], lambda h, w, o: h[0]),
    "single": ([6], lambda h, w, o: h[0]),
    "concat": (LAST4, lambda h, w, o: h.ravel()),
    "last4_concat": (LAST4, lambda h, w, o: h.ravel()),
    "mean": (LAST4, lambda h, w, o: h.mean(0)),
    "last4_mean": (LAST4, lambda h, w, o: h.mean(0)),
    "sum": (LAST4, lambda h, w, o: h.sum(0)),
    "last4_sum": (LAST4, lambda h, w, o: h.sum(0)),
    "max": (LAST4, lambda h, w, o: h.max(0)),
    "last4_max": (LAST4, lambda h, w, o: h.max(0)),
    "all_mean": (ALL, lambda h, w, o: h.mean(0)),
    "first_last_mean": ([1, 6], lambda h, w, o: h.mean(0)),
    "scalar_mix": ([0, *ALL], lambda h, w, o: w["scale"] * (softmax(w["scores"]) @ h)),
    "weighted_sum": (LAST4, weighted),
    "layer_attention": (ALL, attention),
    "lstm": (ALL, lstm),
}
VARIANTS = [
    *((name, {}, layers) for name, (layers, _) in NAIVE.items()),
    *((name, {"norm_per_layer": True}, layers) for name, (layers, _) in NAIVE.items()),
    *((name, {"first": 2, "last": None}, [1, 2]) for name in ("concat", "mean", "sum", "max", "weighted_sum", "lstm")),
    *((name, {"last": None}, ALL) for name in ("concat", "mean", "sum", "max", "weighted_sum")),
    ("single", {"index": 0}, [0]),
    ("all_mean", {"include_embeddings": True}, [0, *ALL]),
    ("first_last_mean", {"first": 0}, [0, 6]),
    ("first_last_mean", {"first": 6}, [6]),
    ("scalar_mix", {"last": 2, "include_embeddings": False}, [5, 6]),
    ("weighted_sum", {"normalise": False}, LAST4),
]


@pytest.mark.parametrize(("name", "overrides", "layers"), VARIANTS, ids=str)
def test_equals_numpy_token_by_token(name: str, overrides: dict, layers: list[int]) -> None:
    options = load_half("layers", name) | overrides
    torch.manual_seed(1)
    mix = find_class(options.pop("_target_"))(**options, num_layers=DEPTH, hidden_size=SIZE).double().eval()
    for parameter in mix.parameters():
        torch.nn.init.uniform_(parameter, 0.1, 1.0)
    assert list(mix.layers_needed) == layers
    hidden = torch.randn(len(layers), 2, 3, SIZE, dtype=torch.float64)
    with torch.no_grad():
        found = mix(tuple(hidden)).numpy()
    assert found.shape == (2, 3, mix.output_size)
    weights = {key: value.numpy() for key, value in mix.state_dict().items()}
    for row in range(2):
        for token in range(3):
            states = hidden[:, row, token].numpy()
            if options["norm_per_layer"]:
                centred = states - states.mean(1, keepdims=True)
                states = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
            np.testing.assert_allclose(found[row, token], NAIVE[name][1](states, weights, options), rtol=1e-9)

"""Every token pooling against a loop over rows in NumPy that knows no padding."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from poolsweep.pooling.conformance.subject import make_batch, make_row
from poolsweep.pooling.make import find_class
from poolsweep.pooling.presets import load_half

SIZE = 8
LENGTHS = (4, 1, 6, 2, 9)


def softmax(scores, axis=0):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(x, weights, name):
    result = x @ weights[f"{name}.weight"].T
    return result + weights[f"{name}.bias"] if f"{name}.bias" in weights else result


def layer_norm(x, weights, name):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def heads_attend(query, keys, values, heads):
    """(Q, H) by (n, H): one head after the other."""
    parts = []
    for head in range(heads):
        cut = slice(head * SIZE // heads, (head + 1) * SIZE // heads)
        weights = softmax(query[:, cut] @ keys[:, cut].T / math.sqrt(SIZE // heads), axis=1)
        parts.append(weights @ values[:, cut])
    return np.concatenate(parts, axis=1)


def lstm_states(x, weights, name):
    size = weights[f"{name}.weight_hh_l0"].shape[1]
    state, cell, states = np.zeros(size), np.zeros(size), []
    for token in x:
        gates = weights[f"{name}.weight_ih_l0"] @ token + weights[f"{name}.bias_ih_l0"]
        gates = gates + weights[f"{name}.weight_hh_l0"] @ state + weights[f"{name}.bias_hh_l0"]
        i, f, g, o = np.split(gates, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        state = sigmoid(o) * np.tanh(cell)
        states.append(state)
    return np.array(states)


def gru_states(x, weights, name):
    state, states = np.zeros(weights[f"{name}.weight_hh_l0"].shape[1]), []
    for token in x:
        a = np.split(weights[f"{name}.weight_ih_l0"] @ token + weights[f"{name}.bias_ih_l0"], 3)
        b = np.split(weights[f"{name}.weight_hh_l0"] @ state + weights[f"{name}.bias_hh_l0"], 3)
        reset, update = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
        state = (1 - update) * np.tanh(a[2] + reset * b[2]) + update * state
        states.append(state)
    return np.array(states)


def power_mean(full, x, w, row, options):
    power = 1 + np.log1p(np.exp(w["raw_power"]))
    low = x.min(0)
    return low + ((x - low) ** power).mean(0) ** (1 / power)


def additive(full, x, w, row, options):
    return softmax(linear(np.tanh(linear(x, w, "hidden_layer")), w, "score")[:, 0]) @ x


def seeds(full, x, w, row, options):
    mixed = heads_attend(
        linear(w["seeds"], w, "query"), linear(x, w, "key"), linear(x, w, "value"), options["num_heads"]
    )
    state = layer_norm(w["seeds"] + linear(mixed, w, "output"), w, "norm_attention")
    return layer_norm(state + np.maximum(linear(state, w, "feed_forward"), 0), w, "norm_output").ravel()


def hops(full, x, w, row, options):
    return (softmax(linear(np.tanh(linear(x, w, "hidden_layer")), w, "score"), axis=0).T @ x).ravel()


def by_dimension(full, x, w, row, options):
    parts = []
    for head in range(options["num_heads"]):
        scores = linear(np.maximum(linear(x, w, f"hidden_layers.{head}"), 0), w, f"scores.{head}")
        parts.append((softmax(scores, axis=0) * x).sum(0))
    return np.concatenate(parts)


def cls_attention(full, x, w, row, options):
    query = linear(full[:1], w, "query")
    return linear(heads_attend(query, linear(x, w, "key"), linear(x, w, "value"), options["num_heads"]), w, "output")[0]


def late(full, x, w, row, options):
    gelu = np.vectorize(lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2))))
    return gelu(linear(x, w, "dense")).mean(0)


def attention_weighted(full, x, w, row, options):
    weights = row.attentions[options["attention_layer"]].numpy()[:, 0].mean(0)[row.kept]
    return (weights / weights.sum()) @ x


def generalized(full, x, w, row, options):
    size = options["position_size"]
    encoded = np.array(
        [
            [f(k / 10000 ** (2 * i / size)) for i in range(size // 2) for f in (math.sin, math.cos)]
            for k in range(len(x))
        ]
    )
    both = gru_states(encoded, w, "from_largest") + gru_states(encoded[::-1], w, "from_smallest")[::-1]
    weights = softmax(linear(both / 2, w, "score")[:, 0] / options["temperature"])
    return weights @ -np.sort(-x, axis=0)


def mask_prompt(full, x, w, row, options):
    places = row.template.numpy().nonzero()[0]
    return full[places[0] if len(places) else 0]


def echo(full, x, w, row, options):
    second = full[row.template.numpy()]
    found = second if len(second) else full
    return found.mean(0) if options["pool"] == "mean" else found[-1]


def lstm(full, x, w, row, options):
    forwards, backwards = lstm_states(x, w, "forwards"), lstm_states(x[::-1], w, "backwards")
    if options["read"] == "last":
        return np.concatenate([forwards[-1], backwards[-1]])
    return np.concatenate([forwards.max(0), backwards.max(0)])


def cnn(full, x, w, row, options):
    found = []
    for index, width in enumerate(options["widths"]):
        kernel, bias = w[f"convolutions.{index}.weight"], w[f"convolutions.{index}.bias"]
        padded = np.concatenate([x, np.zeros((width - 1, SIZE))])
        windows = np.array([padded[t : t + width].T for t in range(len(x))])
        found.append(np.maximum(np.einsum("thw,fhw->tf", windows, kernel) + bias, 0).max(0))
    return np.concatenate(found)


def by_position(full, x, w, row, options):
    places = (1 + np.arange(len(full)))[row.kept]
    return (places[:, None] * x).sum(0) / places.sum()


# name: f(all real tokens, those that count, weights, row, options)
NAIVE = {
    "cls": lambda full, x, w, row, o: full[0],
    "pooler": lambda full, x, w, row, o: row.pooler_output.numpy(),
    "last": lambda full, x, w, row, o: x[-1],
    "mean": lambda full, x, w, row, o: x.mean(0),
    "sum": lambda full, x, w, row, o: x.sum(0),
    "mean_sqrt_len": lambda full, x, w, row, o: x.sum(0) / math.sqrt(len(x)),
    "max": lambda full, x, w, row, o: x.max(0),
    "min": lambda full, x, w, row, o: x.min(0),
    "position_weighted_mean": by_position,
    "mean_max": lambda full, x, w, row, o: np.concatenate([x.mean(0), x.max(0)]),
    "cls_mean_max": lambda full, x, w, row, o: np.concatenate([full[0], x.mean(0), x.max(0)]),
    "power_mean": power_mean,
    "attention": additive,
    "query_attention": lambda full, x, w, row, o: softmax(x @ w["query"] / math.sqrt(SIZE)) @ x,
    "multihead_attention": seeds,
    "self_attentive": hops,
    "dimension_attention": by_dimension,
    "cls_attention": cls_attention,
    "late": late,
    "attention_weighted": attention_weighted,
    "generalized_pooling": generalized,
    "mask_prompt": mask_prompt,
    "prompt_eol": lambda full, x, w, row, o: x[-1],
    "echo": echo,
    "lstm": lstm,
    "cnn": cnn,
}
VARIANTS = [
    *((name, {}) for name in NAIVE),
    *((name, {"include_special": False}) for name in NAIVE if "include_special" in load_half("tokens", name)),
    ("multihead_attention", {"num_seeds": 3, "num_heads": 2}),
    ("dimension_attention", {"num_heads": 3}),
    ("lstm", {"read": "max"}),
    ("cnn", {"widths": [1, 7]}),
    ("power_mean", {"initial_power": 1.5, "learnable": False}),
    ("attention_weighted", {"attention_layer": 0}),
    ("echo", {"pool": "last"}),
]


class NumpyRow:
    """A row with the tokens that count marked."""

    def __init__(self, row, *, include_special: bool) -> None:
        self.hidden, self.attentions, self.pooler_output, self.template = (
            row.hidden,
            row.attentions,
            row.pooler_output,
            row.template,
        )
        keep = ~row.special.numpy()
        self.kept = keep if keep.any() and not include_special else np.ones(row.length, dtype=bool)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("name", "overrides"), VARIANTS, ids=str)
def test_equals_a_loop_over_rows(name: str, overrides: dict, side: str) -> None:
    options = load_half("tokens", name) | overrides
    torch.manual_seed(1)
    pooling = find_class(options.pop("_target_"))(**options, input_size=SIZE).double().eval()
    for parameter in pooling.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    rows = [make_row(n, num_layers=2, hidden_size=SIZE, seed=3) for n in LENGTHS]
    batch = make_batch(rows, layers=[2], context=pooling.context_needed, dtype=torch.float64, side=side)
    assert not batch.mask.all(), "premise: some padding exists"
    with torch.no_grad():
        found = pooling(batch.hidden[0], batch.mask, batch.context).numpy()
    weights = {key: value.numpy() for key, value in pooling.state_dict().items()}
    for index, torch_row in enumerate(rows):
        row = NumpyRow(torch_row, include_special=pooling.include_special)
        full = torch_row.hidden[2].numpy()
        expected = NAIVE[name](full, full[row.kept], weights, row, options)
        np.testing.assert_allclose(found[index], expected, rtol=1e-6, atol=1e-6, err_msg=f"{name}, row {index}")

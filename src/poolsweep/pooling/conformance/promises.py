"""Rules about what a pooling says of itself."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.conformance.result import require, require_close
from poolsweep.pooling.conformance.rows import Batch
from poolsweep.pooling.conformance.subject import NUM_LAYERS, Subject, pair, pool

_LENGTHS = (4, 1, 6, 0)


@torch.no_grad()
def output_size_true(subject: Subject, dtype: torch.dtype) -> None:
    """The result is (B, output_size), in the dtype of the states."""
    pooling = subject.make(dtype)
    found = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype))
    expected = (len(_LENGTHS), pooling.output_size)
    require(found.shape == expected, f"output_size says {expected}, the result is {tuple(found.shape)}")
    require(found.dtype == dtype, f"states are {dtype}, the result is {found.dtype}")
    layers = pooling.layers_needed
    require(all(0 <= layer <= NUM_LAYERS for layer in layers), f"layers_needed={layers} of {NUM_LAYERS} layers")


@torch.no_grad()
def state_dict_round_trip(subject: Subject, dtype: torch.dtype) -> None:
    """A fresh instance with the saved state gives the same bits."""
    pooling, fresh = subject.make(dtype), subject.build().to(dtype).eval()
    fresh.load_state_dict(pooling.state_dict(), strict=True)
    batch = subject.batch(pooling, _LENGTHS, dtype=dtype)
    require(torch.equal(pool(pooling, batch), pool(fresh, batch)), "the loaded copy gives another result")


@torch.no_grad()
def pooling_first_is_the_same(subject: Subject, dtype: torch.dtype) -> None:
    """Where layers are pooled before they are mixed, mixing them first gives the same."""
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is None or not halves.pools_first:
        return
    batch = subject.batch(pooling, _LENGTHS, dtype=dtype, fill=0.0)
    mixed_first = halves.tokens(halves.layers(batch.hidden), batch.mask, batch.context)
    require_close(pool(pooling, batch), mixed_first, "pooling before mixing", dtype=dtype, slack=2.0)


@torch.no_grad()
def flags_true(subject: Subject, dtype: torch.dtype) -> None:
    """Each half is what its flags say: linear, selecting, concatenating, dimension by dimension."""
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is None:
        return
    batch = subject.batch(pooling, _LENGTHS, dtype=dtype, fill=0.0)
    _check_mix(halves.layers, batch.hidden, dtype)
    _check_tokens(halves.tokens, halves.layers(batch.hidden), batch, dtype)


@torch.no_grad()
def explanation_fits(subject: Subject, dtype: torch.dtype) -> None:
    """What ``explain`` gives is finite, has the promised shape, and nothing at padding."""
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is None:
        return
    batch = subject.batch(pooling, _LENGTHS, dtype=dtype, fill=0.0)
    found = halves.explain(batch.hidden, batch.mask, batch.context)
    weights = found.pop("layers", None)
    if weights is not None:
        require(weights.shape[-1] == len(batch.hidden), f"layer_weights has shape {tuple(weights.shape)}")
    for name, values in found.items():
        fits = values.shape[0] == batch.mask.shape[0] and values.shape[-1] == batch.mask.shape[1] and values.ndim <= 3
        require(fits, f"explain[{name}] has shape {tuple(values.shape)}, expected (B, T) or (B, heads, T)")
        real = batch.mask if values.ndim == 2 else batch.mask[:, None]
        require(bool(values.isfinite().all()), f"explain[{name}] has NaN or infinity")
        require(bool((values.masked_fill(real, 0) == 0).all()), f"explain[{name}] gives padding a weight")


def _check_mix(mix: LayerMix, hidden: tuple[Tensor, ...], dtype: torch.dtype) -> None:
    mixed = mix(hidden)
    apart = torch.cat([mix(tuple(layer[:, t : t + 1] for layer in hidden)) for t in range(mixed.shape[1])], dim=1)
    require_close(apart, mixed, "a layer mix that looks across tokens: token by token", dtype=dtype)
    other = tuple(layer.flip(0) for layer in hidden)
    if mix.linear:
        combined = mix(tuple(2 * a - 3 * b for a, b in zip(hidden, other, strict=True)))
        require_close(combined, 2 * mixed - 3 * mix(other), "linear, mix(2a - 3b)", dtype=dtype, slack=4.0)
    if mix.concatenates:
        flat = torch.cat(hidden, dim=-1)
        names = torch.arange(flat.shape[-1], dtype=torch.float64).to(dtype).expand(1, 1, -1)
        source = mix(names.split([layer.shape[-1] for layer in hidden], dim=-1))[0, 0].long()
        require(torch.equal(flat[..., source], mixed), "concatenates, but a value is not a copy of a layer's")
    if mix.passes_last_layer:
        last = mix.layers_needed == (NUM_LAYERS,) and torch.equal(mixed, hidden[-1])
        require(last, "passes_last_layer, but the result is another")


def _check_tokens(tokens: TokenPooling, states: Tensor, batch: Batch, dtype: torch.dtype) -> None:
    def run(hidden: Tensor) -> Tensor:
        return tokens(hidden, batch.mask, batch.context)

    pooled, other = run(states), states.roll(1, dims=2).square()
    if tokens.linear_in_tokens:
        expected = 2 * pooled - 3 * run(other)
        require_close(run(2 * states - 3 * other), expected, "linear_in_tokens, pool(2a - 3b)", dtype=dtype, slack=4.0)
    if tokens.selects_token:
        real = batch.mask.any(dim=1)
        places = torch.arange(states.shape[1], dtype=torch.float64).to(dtype)
        chosen = run(places[None, :, None].expand_as(states))[:, 0].long()
        expected = states[torch.arange(len(real)), chosen]
        require(torch.equal(pooled[real], expected[real]), "selects_token, but the result is no token's vector")
    if tokens.per_dimension:
        require(tokens.output_size == tokens.input_size, "per_dimension, but the result has another size")
        changed = states.clone()
        changed[..., 0] = other[..., 0]
        require(torch.equal(run(changed)[:, 1:], pooled[:, 1:]), "per_dimension, but one dimension changed another")

"""Rules about padding, the other rows of a batch and what a pooling says of itself; and how a rule says no."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.conformance.subject import NUM_LAYERS, Batch, Subject, pair, pool

_LENGTHS = (4, 1, 6, 2)
_WITH_AN_EMPTY_ROW = (4, 1, 6, 0)
_TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


class CheckFailed(Exception):  # noqa: N818
    """A check found the rule broken; its text says how."""


class CheckSkipped(Exception):  # noqa: N818
    """A check does not apply; its text says why."""


def require(condition: bool, detail: str) -> None:
    """Fail the running check with ``detail`` unless ``condition``.

    Raises:
        CheckFailed: If it does not hold.
    """
    if not condition:
        raise CheckFailed(detail)


def require_close(found: Tensor, expected: Tensor, what: str, *, dtype: torch.dtype, slack: float = 1.0) -> None:
    """Fail the running check unless two tensors are equal up to what ``dtype`` can hold.

    Args:
        found: What the pooling gave.
        expected: What it should have given, in any dtype.
        what: The rule, for the message.
        dtype: Precision of the pooling's states and parameters.
        slack: Factor of the tolerance, for long sums.
    Raises:
        CheckFailed: If shape or values differ.
    """
    require(found.shape == expected.shape, f"{what}: shape {tuple(found.shape)}, expected {tuple(expected.shape)}")
    if not found.numel():
        return
    expected = expected.double()
    require(bool(found.isfinite().all()), f"{what}: the result has NaN or infinity")
    worst = (found.double() - expected).abs().max().item()
    allowed = slack * _TOLERANCE[dtype] * (1 + expected.abs().max().item())
    require(worst <= allowed, f"{what}: differs by {worst:.3g}, at most {allowed:.3g} allowed")


@torch.no_grad()
def padding_content_ignored(subject: Subject, dtype: torch.dtype) -> None:
    """Whatever stands at padding, NaN included, changes nothing."""
    pooling = subject.make(dtype)
    clean = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype, fill=0.0))
    for fill in (float("nan"), float("inf"), -1e4):
        found = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype, fill=fill))
        require_close(found, clean, f"padding filled with {fill} instead of 0", dtype=dtype)


@torch.no_grad()
def left_equals_right(subject: Subject, dtype: torch.dtype) -> None:
    """Padding before the text gives the same as padding behind it."""
    pooling = subject.make(dtype)
    right = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype))
    left = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype, side="left"))
    require_close(left, right, "left padding instead of right", dtype=dtype)


@torch.no_grad()
def batch_independent(subject: Subject, dtype: torch.dtype) -> None:
    """A row alone, unpadded, gives what it gives in a batch of any order and length."""
    pooling = subject.make(dtype)
    together = pool(pooling, subject.batch(pooling, _LENGTHS, dtype=dtype))
    backwards = pool(pooling, subject.batch(pooling, _LENGTHS[::-1], dtype=dtype, length=9))
    require_close(backwards.flip(0), together, "rows in reverse order with more padding", dtype=dtype)
    for position, length in enumerate(_LENGTHS):
        alone = pool(pooling, subject.batch(pooling, [length], dtype=dtype))
        require_close(alone[0], together[position], f"a row of {length} tokens alone", dtype=dtype)


@torch.no_grad()
def all_padding_gives_zeros(subject: Subject, dtype: torch.dtype) -> None:
    """A row without a real token gives zeros, and leaves its neighbours alone."""
    pooling = subject.make(dtype)
    expected = pool(pooling, subject.batch(pooling, [4, 2], dtype=dtype))
    for fill in (float("nan"), 1.0):
        found = pool(pooling, subject.batch(pooling, [4, 0, 2], dtype=dtype, fill=fill))
        require(
            bool((found[1] == 0).all()), f"an all-padding row filled with {fill} gives {found[1].tolist()}, not zeros"
        )
        require_close(found[[0, 2]], expected, "the rows beside an all-padding row", dtype=dtype)


@torch.no_grad()
def one_token_row(subject: Subject, dtype: torch.dtype) -> None:
    """A row of a single token, which is special and the only one left, is pooled like any other."""
    pooling = subject.make(dtype)
    padded = pool(pooling, subject.batch(pooling, [1, 3], dtype=dtype))
    alone = pool(pooling, subject.batch(pooling, [1], dtype=dtype))
    require(bool((alone != 0).any()), "a one-token row gives zeros")
    require_close(padded[:1], alone, "a one-token row beside a longer one", dtype=dtype)


@torch.no_grad()
def input_unchanged(subject: Subject, dtype: torch.dtype) -> None:
    """Nothing that is handed in is changed in place."""
    pooling = subject.make(dtype)
    batch = subject.batch(pooling, _LENGTHS, dtype=dtype, fill=7.0)
    before = [(tensor._version, tensor.clone()) for tensor in batch.tensors()]
    pool(pooling, batch)
    for tensor, (version, copy) in zip(batch.tensors(), before, strict=True):
        untouched = tensor._version == version and torch.equal(tensor, copy)
        require(untouched, f"an input of shape {tuple(tensor.shape)} was changed in place")


@torch.no_grad()
def output_size_true(subject: Subject, dtype: torch.dtype) -> None:
    """The result is (B, output_size), in the dtype of the states."""
    pooling = subject.make(dtype)
    found = pool(pooling, subject.batch(pooling, _WITH_AN_EMPTY_ROW, dtype=dtype))
    expected = (len(_WITH_AN_EMPTY_ROW), pooling.output_size)
    require(found.shape == expected, f"output_size says {expected}, the result is {tuple(found.shape)}")
    require(found.dtype == dtype, f"states are {dtype}, the result is {found.dtype}")
    layers = pooling.layers_needed
    require(all(0 <= layer <= NUM_LAYERS for layer in layers), f"layers_needed={layers} of {NUM_LAYERS} layers")


@torch.no_grad()
def state_dict_round_trip(subject: Subject, dtype: torch.dtype) -> None:
    """A fresh instance with the saved state gives the same bits."""
    pooling, fresh = subject.make(dtype), subject.build().to(dtype).eval()
    fresh.load_state_dict(pooling.state_dict(), strict=True)
    batch = subject.batch(pooling, _WITH_AN_EMPTY_ROW, dtype=dtype)
    require(torch.equal(pool(pooling, batch), pool(fresh, batch)), "the loaded copy gives another result")


@torch.no_grad()
def pooling_first_is_the_same(subject: Subject, dtype: torch.dtype) -> None:
    """Where layers are pooled before they are mixed, mixing them first gives the same."""
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is None or not halves.pools_first:
        return
    batch = subject.batch(pooling, _WITH_AN_EMPTY_ROW, dtype=dtype, fill=0.0)
    mixed_first = halves.tokens(halves.layers(batch.hidden), batch.mask, batch.context)
    require_close(pool(pooling, batch), mixed_first, "pooling before mixing", dtype=dtype, slack=2.0)


@torch.no_grad()
def flags_true(subject: Subject, dtype: torch.dtype) -> None:
    """Each half is what its flags say: linear, selecting, concatenating, dimension by dimension."""
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is None:
        return
    batch = subject.batch(pooling, _WITH_AN_EMPTY_ROW, dtype=dtype, fill=0.0)
    _check_mix(halves.layers, batch.hidden, dtype)
    _check_tokens(halves.tokens, halves.layers(batch.hidden), batch, dtype)


@torch.no_grad()
def explanation_fits(subject: Subject, dtype: torch.dtype) -> None:
    """What ``explain`` gives is finite, has the promised shape, and nothing at padding."""
    pooling = subject.make(dtype)
    halves = pair(pooling)
    if halves is None:
        return
    batch = subject.batch(pooling, _WITH_AN_EMPTY_ROW, dtype=dtype, fill=0.0)
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

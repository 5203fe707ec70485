"""Attention over buckets on a CPU: which way is taken, and that masked pairs count for nothing in each."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from poolsweep.encoder import ragged_attention
from poolsweep.encoder.packing import Packing
from poolsweep.encoder.ragged_attention import Attention


@pytest.mark.parametrize(
    ("maker", "length", "texts", "dropout", "by_torch"),
    [
        ("GenuineIntel", 40, 1, 0.0, True), ("GenuineIntel", 39, 1, 0.0, False), ("GenuineIntel", 40, 1, 0.1, False),
        ("AuthenticAMD", 40, 1, 0.0, False),
        ("AuthenticAMD", 39, 700, 0.0, True), ("AuthenticAMD", 39, 700, 0.1, False),
    ],
)  # fmt: skip
def test_torchs_kernel_where_it_is_faster(maker, length, texts, dropout, by_torch, monkeypatch):
    called = []
    monkeypatch.setattr(ragged_attention, "is_made_by", lambda name: name == maker)
    monkeypatch.setattr(
        ragged_attention, "scaled_dot_product_attention",
        lambda *given, **named: called.append(1) or scaled_dot_product_attention(*given, **named),
    )  # fmt: skip
    values = torch.randn(1, 2, length * texts, 4, generator=torch.Generator().manual_seed(0))
    packing = Packing.of(torch.ones(texts, length, dtype=torch.bool))
    Attention(packing, only_first=False, scaling=None, sliding_window=None, dropout=dropout)(values, values, values)
    assert bool(called) is by_torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_is_masked_counts_for_nothing(dtype, monkeypatch):
    monkeypatch.setattr(ragged_attention, "is_made_by", lambda name: False)
    generator = torch.Generator().manual_seed(0)
    query, key, value = (30 * torch.randn(2, 3, 6, 8, generator=generator) for _ in range(3))
    query, key, value = (part.to(dtype).requires_grad_() for part in (query, key, value))
    allowed = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])[:, None, None, :].expand(2, 1, 6, 6).clone()
    allowed[1, 0, 5] = False  # a padded query that sees nothing
    attend = Attention(Packing.of(torch.ones(1, 1, dtype=torch.bool)), False, None, None, 0.0)._attend
    found = attend(query, key, value, allowed)
    scores = (query * 8**-0.5) @ key.transpose(-1, -2)
    scores = scores.masked_fill(~allowed, torch.finfo(dtype).min)
    expected = scores.softmax(dim=-1, dtype=torch.float32).to(dtype) @ value
    read = torch.ones(2, 1, 6, 1, dtype=torch.bool)
    read[1, 0, 5] = False  # what comes of a padded query
    found, expected = found.where(read, 0.0), expected.where(read, 0.0)
    assert torch.equal(found, expected)
    of_found, of_expected = (torch.autograd.grad(out.sum(), (query, key, value)) for out in (found, expected))
    assert all(torch.equal(one, other) for one, other in zip(of_found, of_expected, strict=True))

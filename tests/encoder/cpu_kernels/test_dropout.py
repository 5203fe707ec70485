"""Dropout by draws that four elements share: torch's distribution, repeated bit for bit, only in training."""

from __future__ import annotations

import torch
from torch import nn

from poolsweep.encoder.cpu_kernels import replace_modules
from poolsweep.encoder.cpu_kernels.dropout import FastDropout, fast_dropout


def test_fast_dropout_has_the_distribution_of_torchs():
    values = torch.full((1_000_001,), 3.0, requires_grad=True)
    for p in (0.1, 0.5):
        torch.manual_seed(0)
        found = fast_dropout(values, p)
        kept = found != 0
        assert found[kept].unique().numel() == 1
        # Four standard errors: a correct one fails once in 16,000 seeds, and the seed is fixed.
        assert abs(kept.float().mean() - (1 - p)) < 4 * (p * (1 - p) / len(values)) ** 0.5
        assert abs(found.mean() / 3 - 1) < 4 * (p / (1 - p) / len(values)) ** 0.5
        assert abs((kept[1:] & kept[:-1]).float().mean() - (1 - p) ** 2) < 0.003, "neighbours are independent"
        torch.manual_seed(0)
        assert torch.equal(fast_dropout(values, p), found)
        (gradient,) = torch.autograd.grad(found.sum(), values)
        torch.testing.assert_close(gradient, found.detach() / 3)
    assert torch.equal(fast_dropout(values, 0.0), values)
    assert not fast_dropout(values, 1.0).any()


def test_a_model_drops_out_only_in_training():
    model = nn.Sequential(nn.Dropout(0.3), nn.Sequential(nn.Dropout(0.0)))
    assert replace_modules(model, nn.Dropout, lambda child: FastDropout(child.p)) == 2
    fast = [module for module in model.modules() if isinstance(module, FastDropout)]
    assert [module.p for module in fast] == [0.3, 0.0]
    values = torch.ones(1000)
    assert torch.equal(model.eval()(values), values)
    assert not torch.equal(model.train()(values), values)

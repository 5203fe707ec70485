"""Which penalty is chosen, and which rows a seed draws."""

from __future__ import annotations

import numpy as np
import torch

from poolsweep.probe.objective import Rows
from poolsweep.probe.probe import Probe

LABELS = np.array([0] * 40 + [1] * 20 + [2])


def test_a_seed_draws_a_bootstrap_sample_that_keeps_every_label():
    probe = Probe(penalties=[1.0])
    first = probe.sample(LABELS, seed=0)
    assert [first[label == LABELS].sum() for label in range(3)] == [40, 20, 1]
    assert 0 in first, "premise: some rows are not drawn"
    assert first.max() > 1
    assert (first == probe.sample(LABELS, seed=0)).all()
    assert (first != probe.sample(LABELS, seed=1)).any()
    assert 0.55 < np.mean([(probe.sample(np.zeros(999, int), seed=s) > 0).mean() for s in range(9)]) < 0.70, "1 - 1/e"
    assert (Probe(penalties=[1.0], bootstrap=False).sample(LABELS, seed=5) == 1).all()


def chosen(values: dict[float, float], *, monitor: str = "val/accuracy") -> tuple[float, dict[float, float], float]:
    """The penalty chosen where validation gave ``values``, those that were tried, and its solution's objective."""
    generator = torch.Generator().manual_seed(0)
    vectors, labels = torch.randn(60, 3, generator=generator), torch.arange(60) % 3
    rows = Rows(lambda: iter([vectors]), labels, torch.full((60,), 1 / 60, dtype=torch.float64), num_labels=3)
    probe = Probe(penalties=list(reversed(values)), monitor=monitor)
    penalty, solution, tried = probe.choose(rows, measure=lambda penalty, _: values[penalty])
    return penalty, tried, solution.gap / solution.objective


def test_the_best_on_validation_is_chosen_and_solved_to_the_end():
    penalty, tried, gap = chosen({1.0: 0.5, 0.1: 0.7, 0.01: 0.6})
    assert penalty == 0.1
    assert list(tried) == [1.0, 0.1, 0.01], "from the strongest, however they are written"
    assert gap <= 1e-7
    assert chosen({1.0: 0.5, 0.1: 0.7, 0.01: 0.6}, monitor="val/loss")[0] == 1.0


def test_on_a_tie_the_stronger_penalty_stays():
    assert chosen({1.0: 0.5, 0.1: 0.7, 0.01: 0.7})[0] == 0.1


def test_the_path_stops_after_two_that_are_worse_but_not_for_equals():
    assert list(chosen({1.0: 0.7, 0.3: 0.6, 0.1: 0.5, 0.03: 0.9})[1]) == [1.0, 0.3, 0.1]
    assert chosen({1.0: 0.7, 0.3: 0.7, 0.1: 0.7, 0.03: 0.9})[0] == 0.03

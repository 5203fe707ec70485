"""Which penalty is chosen, and which rows a seed draws."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from poolsweep.probe.objective import Rows
from poolsweep.probe.probe import Probe
from poolsweep.probe.softmax import Softmax
from poolsweep.probe.solver import Solution, Solver

LABELS = np.array([0] * 40 + [1] * 20 + [2])


def drawn(probe: Probe, seed: int) -> np.ndarray:
    return probe.sample(len(LABELS), seed=seed, classes=LABELS)


def test_a_seed_draws_a_bootstrap_sample_that_keeps_every_label():
    probe = Probe(penalties=[1.0])
    first = drawn(probe, 0)
    assert [first[label == LABELS].sum() for label in range(3)] == [40, 20, 1]
    assert 0 in first, "premise: some rows are not drawn"
    assert first.max() > 1
    assert (first == drawn(probe, 0)).all()
    assert (first != drawn(probe, 1)).any()
    assert 0.55 < np.mean([(probe.sample(999, seed=s) > 0).mean() for s in range(9)]) < 0.70, "1 - 1/e"
    assert (drawn(Probe(penalties=[1.0], bootstrap=False), 5) == 1).all()


def chosen(values: dict[float, float], *, monitor: str = "val/accuracy") -> tuple[float, dict[float, float], float]:
    """The penalty chosen where validation gave ``values``, those that were tried, and its error."""
    generator = torch.Generator().manual_seed(0)
    vectors, labels = torch.randn(60, 3, generator=generator), torch.arange(60) % 3
    even = torch.full((60,), 1 / 60, dtype=torch.float64)
    solver = Solver(Rows(lambda: iter([vectors]), even), Softmax(labels, even, num_labels=3))
    probe = Probe(penalties=list(reversed(values)), monitor=monitor)
    penalty, solution, tried = probe.choose(solver, measure=lambda penalty, _: values[penalty])
    return penalty, tried, solution.change


def test_the_best_on_validation_is_chosen_and_is_solved():
    penalty, tried, change = chosen({1.0: 0.5, 0.1: 0.7, 0.01: 0.6})
    assert penalty == 0.1
    assert list(tried) == [1.0, 0.1, 0.01], "from the strongest, however they are written"
    assert change <= 1e-4
    assert chosen({1.0: 0.5, 0.1: 0.7, 0.01: 0.6}, monitor="val/loss")[0] == 1.0


def test_on_a_tie_the_stronger_penalty_stays():
    assert chosen({1.0: 0.5, 0.1: 0.7, 0.01: 0.7})[0] == 0.1


def test_the_path_stops_after_two_that_are_worse_but_not_for_equals():
    assert list(chosen({1.0: 0.7, 0.3: 0.6, 0.1: 0.5, 0.03: 0.9})[1]) == [1.0, 0.3, 0.1]
    assert chosen({1.0: 0.7, 0.3: 0.7, 0.1: 0.7, 0.03: 0.9})[0] == 0.03


def test_each_penalty_is_judged_by_its_solved_head():
    """The validation accuracies are those of scikit-learn's heads, each solved on its own and to the end."""
    generator = torch.Generator().manual_seed(7)
    vectors = torch.randn(700, 40, generator=generator) @ torch.randn(40, 40, generator=generator) / 6
    labels = (vectors[:, :5] + torch.randn(700, 5, generator=generator)).argmax(dim=1)
    train, validation = slice(0, 300), slice(300, 700)
    even = torch.full((300,), 1 / 300).double()
    solver = Solver(Rows(lambda: iter([vectors[train]]), even), Softmax(labels[train], even, num_labels=5))

    def accuracy(predicted: torch.Tensor) -> float:
        return float((predicted == labels[validation]).double().mean())

    def measure(_: float, solution: Solution) -> float:
        return accuracy((vectors[validation].double() @ solution.weight.T + solution.bias).argmax(dim=1))

    _, _, tried = Probe(penalties=[10.0, 1.0, 0.1, 0.01, 0.001, 0.0001]).choose(solver, measure=measure)
    assert len(tried) >= 3, "premise: several were tried"
    for penalty, found in tried.items():
        peer = LogisticRegression(C=1 / (penalty * 300), tol=1e-10, max_iter=100_000)
        peer.fit(vectors[train].double().numpy(), labels[train].numpy())
        assert found == accuracy(torch.from_numpy(peer.predict(vectors[validation].double().numpy()))), penalty

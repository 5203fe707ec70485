"""The solver finds the optimum that scikit-learn finds, and the same bits every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from poolsweep.probe.objective import Rows
from poolsweep.probe.softmax import Softmax
from poolsweep.probe.solver import Solution, Solver

C, D, N = 4, 12, 300


@pytest.fixture
def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Correlated vectors that are not centred, labels with noise, and unequal row weights."""
    random = torch.Generator().manual_seed(3)
    mix = torch.randn(D, D, generator=random) * torch.linspace(0.05, 2, D)
    vectors = torch.randn(N, D, generator=random) @ mix + 1.5
    logits = vectors @ torch.randn(D, C, generator=random) * 0.5 + 2 * torch.randn(N, C, generator=random)
    counts = torch.randint(1, 4, (N,), generator=random)
    return vectors, logits.argmax(dim=1), counts


def solver_of(problem, *, dtype=torch.float64, block: int = N, smoothing: float = 0.0) -> Solver:
    vectors, labels, counts = problem
    weights = counts.double() / counts.sum()
    rows = Rows(lambda: iter(vectors.to(dtype).split(block)), weights)
    return Solver(rows, Softmax(labels, weights, num_labels=C, smoothing=smoothing))


def by_autograd(problem, solution: Solution, *, penalty: float, smoothing: float = 0.0) -> tuple[float, float]:
    """The objective as torch computes it, and the largest entry of its gradient."""
    vectors, labels, counts = problem
    weight, bias = solution.weight.clone().requires_grad_(), solution.bias.clone().requires_grad_()
    losses = torch.nn.functional.cross_entropy(
        vectors.double() @ weight.T + bias, labels, reduction="none", label_smoothing=smoothing
    )
    objective = (losses * counts).sum() / counts.sum() + penalty / 2 * weight.square().sum()
    objective.backward()
    assert weight.grad is not None
    assert bias.grad is not None
    return objective.item(), max(float(weight.grad.abs().max()), float(bias.grad.abs().max()))


@pytest.mark.parametrize("penalty", [1.0, 0.01, 0.0001])
def test_agrees_with_scikit_learn(problem, penalty: float):
    vectors, labels, counts = problem
    found = solver_of(problem).solve(penalty, tolerance=1e-7)
    peer = LogisticRegression(C=1 / (penalty * int(counts.sum())), tol=1e-10, max_iter=5000)
    peer.fit(vectors.double().numpy(), labels.numpy(), sample_weight=counts.numpy())
    assert np.allclose(found.weight.numpy(), peer.coef_, atol=1e-4)
    bias = found.bias - found.bias.mean()
    assert np.allclose(bias.numpy(), peer.intercept_ - peer.intercept_.mean(), atol=1e-4), (
        "a bias is free up to a shift"
    )
    probabilities = torch.softmax(vectors.double() @ found.weight.T + found.bias, dim=1)
    assert np.allclose(probabilities.numpy(), peer.predict_proba(vectors.double().numpy()), atol=1e-4)
    theirs = Solution(torch.from_numpy(peer.coef_), torch.from_numpy(peer.intercept_), 0, 0, 0, 0)
    assert found.objective == pytest.approx(by_autograd(problem, theirs, penalty=penalty)[0], abs=1e-9)


def test_two_labels_are_scikit_learns_at_twice_the_c(problem):
    """It penalises the difference of both weights alone, which is twice the square of either."""
    vectors, labels, counts = problem
    two, penalty = (labels > 0).long(), 0.01
    weights = counts.double() / counts.sum()
    rows = Rows(lambda: iter(vectors.double().split(N)), weights)
    found = Solver(rows, Softmax(two, weights, num_labels=2)).solve(penalty, tolerance=1e-7)
    peer = LogisticRegression(C=2 / (penalty * int(counts.sum())), tol=1e-10, max_iter=5000)
    peer.fit(vectors.double().numpy(), two.numpy(), sample_weight=counts.numpy())
    probabilities = torch.softmax(vectors.double() @ found.weight.T + found.bias, dim=1)
    assert np.allclose(probabilities.numpy(), peer.predict_proba(vectors.double().numpy()), atol=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_objective_and_optimum_are_those_of_torch(problem, smoothing: float):
    found = solver_of(problem, smoothing=smoothing).solve(0.003, tolerance=1e-8)
    objective, slope = by_autograd(problem, found, penalty=0.003, smoothing=smoothing)
    assert found.objective == pytest.approx(objective, abs=1e-9)
    assert slope < 1e-6
    assert 0 < found.loss < found.objective


@pytest.mark.parametrize("penalty", [10.0, 0.03, 0.0001])
@pytest.mark.parametrize("shape", [(60, 90), (400, 30)], ids=["more features than rows", "more rows"])
def test_a_solved_head_gives_the_probabilities_of_the_optimum(shape: tuple[int, int], penalty: float):
    """In float32, as a run solves it, down the path of penalties; on rows that were fitted and on others."""
    (num_rows, size), random = shape, torch.Generator().manual_seed(1)
    mix = torch.linspace(0.02, 3, size)[:, None] * torch.randn(size, size, generator=random)
    vectors = torch.randn(2 * num_rows, size, generator=random) @ mix
    vectors = (vectors - vectors.mean(dim=0)) / vectors.std(dim=0)
    labels = (vectors[:, :C] + torch.randn(2 * num_rows, C, generator=random)).argmax(dim=1)
    even = torch.full((num_rows,), 1 / num_rows, dtype=torch.float64)
    rows = Rows(lambda: iter([vectors[:num_rows]]), even)
    solver = Solver(rows, Softmax(labels[:num_rows], even, num_labels=C))
    for each in (p for p in (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001) if p >= penalty):
        found = solver.solve(each)
    peer = LogisticRegression(C=1 / (penalty * num_rows), tol=1e-10, max_iter=100_000)
    peer.fit(vectors[:num_rows].double().numpy(), labels[:num_rows].numpy())
    probabilities = torch.softmax(vectors.double() @ found.weight.T + found.bias, dim=1).numpy()
    off = np.abs(probabilities - peer.predict_proba(vectors.double().numpy())).max(axis=1)
    assert off[:num_rows].max() < 1e-4
    assert off[num_rows:].max() < 3e-4, "float32 tells no more of what the rows hardly tell"


def test_a_path_ends_where_a_cold_start_does(problem):
    solver, solution = solver_of(problem), None
    for penalty in (1.0, 0.1, 0.01, 0.001):
        solution = solver.solve(penalty, tolerance=1e-7)
    assert solution is not None
    cold = solver_of(problem).solve(0.001, tolerance=1e-7)
    assert torch.allclose(solution.weight, cold.weight, atol=1e-3)
    assert solution.objective == pytest.approx(cold.objective, abs=1e-9)


def test_penalties_may_come_in_any_order(problem):
    solver = solver_of(problem)
    found = {penalty: solver.solve(penalty, tolerance=1e-7) for penalty in (0.01, 1.0, 0.1, 0.1, 0.001)}
    for penalty, solution in found.items():
        alone = solver_of(problem).solve(penalty, tolerance=1e-7)
        assert solution.objective == pytest.approx(alone.objective, abs=1e-9), penalty


def test_blocks_and_float32_change_next_to_nothing(problem):
    whole = solver_of(problem).solve(0.01, tolerance=1e-7)
    parts = solver_of(problem, block=7).solve(0.01, tolerance=1e-7)
    single = solver_of(problem, dtype=torch.float32).solve(0.01)
    assert torch.allclose(parts.weight, whole.weight, atol=1e-5)
    assert single.objective == pytest.approx(whole.objective, rel=1e-5)
    assert single.change <= 1e-4


def test_counts_are_repeated_rows(problem):
    vectors, labels, counts = problem
    repeated = (
        vectors.repeat_interleave(counts, dim=0),
        labels.repeat_interleave(counts),
        torch.ones(int(counts.sum())),
    )
    found = [solver_of(p).solve(0.01, tolerance=1e-7).weight for p in (problem, repeated)]
    assert torch.allclose(*found, atol=1e-5)


def test_same_bits_every_time(problem):
    def path() -> torch.Tensor:
        solver = solver_of(problem, dtype=torch.float32)
        return [solver.solve(penalty).weight for penalty in (1.0, 0.01)][-1]

    assert torch.equal(path(), path())


def test_a_label_without_rows_and_vectors_that_do_not_vary(problem):
    vectors, labels, counts = problem
    vectors = vectors.clone()
    vectors[:, 3] = 1.0
    found = solver_of((vectors, labels.clamp(max=2), counts)).solve(0.001, tolerance=1e-5)
    assert torch.isfinite(found.weight).all()
    assert torch.isfinite(found.bias).all()
    probabilities = torch.softmax(vectors.double() @ found.weight.T + found.bias, dim=1)
    assert float(probabilities[:, 3].mean()) < 1e-3
    assert not found.weight[:, 3].abs().max() > 1e-6

"""How rows are dealt: each once, evenly, and weighted so that a mean over shares is a mean over rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poolsweep.data.sampler import EpochSampler, EvaluationSampler, TrainingSampler, balanced_parts
from poolsweep.loss.cross_entropy import CrossEntropy
from poolsweep.tasks.labels import Labels

LENGTHS = np.random.default_rng(0).integers(3, 128, 101)


def shares(size: int, batch_size: int, world_size: int, **options) -> list[list]:
    """Of each process."""
    return [
        list(TrainingSampler(EpochSampler(size, seed=0), batch_size, rank=rank, world_size=world_size, **options))
        for rank in range(world_size)
    ]


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["alike", "lengths"])
@pytest.mark.parametrize("micro_batches", [1, 4])
def test_each_row_once_an_epoch_and_all_processes_take_the_same_steps(world_size, lengths, micro_batches):
    dealt = shares(101, 4, world_size, lengths=lengths, micro_batches=micro_batches)
    assert len({len(of_one) for of_one in dealt}) == 1
    counted = [row for of_one in dealt for share in of_one if share.weight for row in share.rows]
    assert sorted(counted) == list(range(101))
    for together in zip(*dealt, strict=True):
        assert {share.total for share in together} == {sum(len(s.rows) for s in together if s.weight)}


@pytest.mark.parametrize("accumulated", [1, 3])
@pytest.mark.parametrize(
    ("batch_size", "world_size", "micro_batches"), [(12, 1, 1), (6, 2, 1), (4, 3, 1), (6, 2, 4), (12, 1, 5)]
)
def test_a_step_has_the_same_rows_and_weights_them_alike_however_it_is_divided(
    accumulated, batch_size, world_size, micro_batches
):
    """What each row counts in the gradient of the optimizer's step that it belongs to: one by their number."""
    size = 101
    order = list(EpochSampler(size, seed=0))
    effective = 12 * accumulated
    steps = accumulated * micro_batches
    dealt = shares(
        size, batch_size, world_size, lengths=LENGTHS, micro_batches=micro_batches, accumulated=lambda: steps
    )  # fmt: skip
    counted: dict[int, dict[int, float]] = {}
    for of_one in dealt:
        for step, share in enumerate(of_one):
            for row in share.rows if share.weight else ():
                counted.setdefault(step // steps, {})[row] = share.weight / len(share.rows) / (steps * world_size)
    for number, rows in counted.items():
        expected = order[number * effective : (number + 1) * effective]
        assert sorted(rows) == sorted(expected)
        assert list(rows.values()) == pytest.approx([1 / len(expected)] * len(expected))
    assert size % effective, "premise: the last step is uneven"


def test_a_limit_of_steps_counts_as_the_end_of_an_epoch():
    [dealt] = shares(20, 4, 1, accumulated=lambda: 2, limit=lambda: 3)
    assert [share.weight for share in dealt[:3]] == [1.0, 1.0, 2.0]


def test_tokens_are_dealt_evenly():
    lengths = np.random.default_rng(1).integers(3, 128, 4096)
    dealt = shares(4096, 32, 8, lengths=lengths)
    tokens = np.array([[lengths[list(share.rows)].sum() for share in of_one] for of_one in dealt])
    assert (tokens.max(axis=0) / tokens.mean(axis=0)).max() < 1.02, "the slowest process does 2% more than the mean"
    unaware = np.array([[lengths[list(share.rows)].sum() for share in of_one] for of_one in shares(4096, 32, 8)])
    assert (unaware.max(axis=0) / unaware.mean(axis=0)).mean() > 1.1, "premise: by chance they would not be"


def test_one_process_keeps_the_order():
    [dealt] = shares(10, 4, 1, lengths=LENGTHS)
    assert [row for share in dealt for row in share.rows] == list(EpochSampler(10, seed=0))
    assert {share.weight for share in dealt} == {1.0}


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_going_on_in_the_middle_of_an_epoch(micro_batches):
    order = EpochSampler(50, seed=0, epoch=1)
    whole = list(TrainingSampler(order, 8, micro_batches=micro_batches, lengths=LENGTHS))
    for begun in range(len(whole)):
        rest = TrainingSampler(order, 8, micro_batches=micro_batches, lengths=LENGTHS, start=(1, begun))
        assert list(rest) == whole[begun:]
        assert len(rest) == len(whole)
    order.set_epoch(2)
    assert len(list(TrainingSampler(order, 8, micro_batches=micro_batches, start=(1, 3)))) == len(whole)


def test_dealing_keeps_numbers_even_whatever_the_weights():
    rows, weights = np.arange(7), np.array([100, 1, 1, 1, 1, 1, 1])
    assert [len(part) for part in balanced_parts(rows, weights, 3)] == [3, 2, 2]
    assert [part.tolist() for part in balanced_parts(rows[:2], weights[:2], 3)] == [[0], [1], []]


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
def test_evaluation_takes_the_batches_of_one_process(world_size):
    expected = [share.rows for share in EvaluationSampler(14, 4)]
    assert expected == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11), (12, 13)]
    dealt = [list(EvaluationSampler(14, 4, rank=rank, world_size=world_size)) for rank in range(world_size)]
    assert len({len(of_one) for of_one in dealt}) == 1
    in_order = [share for together in zip(*dealt, strict=True) for share in together]
    assert [share.rows for share in in_order if share.weight] == expected
    assert {len(share.rows) for share in in_order if not share.weight} <= {1}


@pytest.mark.parametrize(
    ("world_size", "accumulated", "micro_batches"), [(1, 1, 1), (2, 1, 1), (1, 3, 1), (2, 2, 2), (3, 2, 2)]
)
def test_weighted_shares_are_torchs_weighted_cross_entropy_of_the_whole_step(world_size, accumulated, micro_batches):
    """Of each optimizer step, however many processes, accumulated steps and micro-batches share it."""
    random = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(47, 3, generator=random), torch.arange(47) % 5 % 3
    loss = CrossEntropy(weight={"a": 5.0, "b": 0.5}, label_smoothing=0.1)
    loss.fit(Labels(("a", "b", "c")), labels.numpy())
    weights = loss.weights_of(labels)
    assert weights is not None
    each = weights.double().numpy()
    together, order = accumulated * micro_batches, EpochSampler(47, seed=0)
    ranks = [
        list(TrainingSampler(
            order, 4, rank=rank, world_size=world_size, micro_batches=micro_batches, row_weights=each,
            accumulated=lambda: together,
        ))
        for rank in range(world_size)
    ]  # fmt: skip
    whole = torch.tensor(list(order))
    for begin in range(0, len(ranks[0]), together):
        shares = [batch for batches in ranks for batch in batches[begin : begin + together]]
        found = sum(batch.weight * loss(logits[[*batch.rows]], labels[[*batch.rows]]) for batch in shares)
        rows = whole[begin // micro_batches * 4 * world_size :][: accumulated * 4 * world_size]
        peer = torch.nn.CrossEntropyLoss(weight=torch.tensor([5.0, 0.5, 1.0]), label_smoothing=0.1)
        assert float(found) / (world_size * together) == pytest.approx(
            float(peer(logits[rows], labels[rows])), rel=1e-5
        )

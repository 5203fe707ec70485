"""Which of several failures is told: the first cause."""

from __future__ import annotations

import pytest

from poolsweep.training.failure import kind_of
from poolsweep.training.rank_failures import RankFailedError, first_failure, report_failure
from poolsweep.training.supervise import _what_happened


def test_the_cause_and_not_what_followed_from_it(tmp_path):
    assert first_failure(tmp_path) is None
    report_failure(tmp_path, RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer"), rank=0)
    report_failure(tmp_path, ValueError("the cause\nwith details"), rank=1)
    report_failure(tmp_path, ValueError("later"), rank=2)
    found = first_failure(tmp_path)
    assert found is not None
    assert (found.rank, found.reason, found.kind) == (1, "ValueError: the cause", "exception")


def test_a_lost_connection_is_told_if_nothing_else_is_known(tmp_path):
    report_failure(tmp_path, RuntimeError("Connection closed by peer"), rank=0)
    found = first_failure(tmp_path)
    assert found is not None
    assert found.rank == 0


@pytest.mark.parametrize(
    ("reason", "by_themselves", "told"),
    [
        ("Connection reset by peer", [-9, 1], "process 0 of 2 was killed by SIGKILL"),
        ("Connection reset by peer", [None, 1], "process 1 of 2: RuntimeError: Connection reset by peer"),
        ("the cause", [-9, 1], "process 1 of 2: RuntimeError: the cause"),
    ],
)
def test_a_killed_process_is_the_cause_if_the_others_only_miss_it(reason, by_themselves, told, tmp_path):
    """In the second line it had to be ended by us, so that its SIGKILL is no cause."""
    report_failure(tmp_path, RuntimeError(reason), rank=1)
    assert str(_what_happened([-9, 1], by_themselves, tmp_path)) == told


def test_kind_and_facts_go_through_a_file(tmp_path):
    report_failure(tmp_path, RankFailedError("out of memory", kind="out_of_memory", facts={"micro_batches": 4}), rank=0)
    found = first_failure(tmp_path)
    assert found is not None
    assert (found.kind, found.facts) == ("out_of_memory", {"micro_batches": 4})
    assert kind_of(RankFailedError("", kind=found.kind)) == "out_of_memory"

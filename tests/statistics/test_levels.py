"""What the looks and the verdict may get wrong, added up."""

from __future__ import annotations

import pytest

from poolsweep.statistics.levels import look_level, verdict_level


def test_looks_spend_the_level_and_no_more():
    spent = [1 - look_level(look, level=0.99) for look in range(1, 2000)]
    assert spent[0] == pytest.approx(0.005)
    assert spent[1] == pytest.approx(0.01 / 6)
    assert spent == sorted(spent, reverse=True)
    assert 0.00999 < sum(spent) <= 0.01


@pytest.mark.parametrize("certainty", [0.6, 0.8, 0.95])
def test_looks_rests_and_the_verdict_share_what_the_report_may_get_wrong(certainty):
    """One that rests as not tied would be excluded with ``certainty``: 1/certainty times as many are."""
    verdict = 1 - verdict_level(0.95, spent=0.005, certainty=certainty)
    assert verdict / certainty + 0.005 == pytest.approx(0.05)


def test_without_rests_the_looks_alone_are_made_up_for():
    assert verdict_level(0.95, spent=0.005, certainty=1.0) == pytest.approx(0.955)

"""The verdict at all seeds, foretold: plain cases, and made-up studies that were run to the end."""

from __future__ import annotations

import numpy as np
import pytest

from poolsweep.statistics import Scores, pairwise_differences, simultaneous
from poolsweep.sweep.race.forecast import forecast

ROWS = 300


def field(gaps: list[float], *, num_seeds: int, seed_sd: float, random: np.random.Generator) -> dict[str, Scores]:
    """Contenders whose accuracy lies ``gaps`` below 0.8; texts are shared, seeds move the accuracy."""
    text = random.standard_normal(ROWS)
    found = {}
    for i, gap in enumerate(gaps):
        own = 0.5 * random.standard_normal(ROWS)
        shift = 3 * (gap + seed_sd * random.standard_normal(num_seeds))
        noise = 0.3 * random.standard_normal((num_seeds, ROWS))
        values = (text + own + noise + shift[:, None] < 1.0).astype(float)
        found[f"c{i}"] = Scores(values, seeds=tuple(range(num_seeds)), row_ids=np.arange(ROWS))
    return found


def first(scores: dict[str, Scores], counts: dict[str, int] | int) -> dict[str, Scores]:
    """The first seeds of each."""
    had = {name: counts if isinstance(counts, int) else counts[name] for name in scores}
    return {
        name: Scores(one.values[: had[name]], seeds=one.seeds[: had[name]], row_ids=one.row_ids)
        for name, one in scores.items()
    }


def test_clear_cases_are_foretold_as_certain():
    whole = field([0.0, 0.0, 0.3], num_seeds=2, seed_sd=0.002, random=np.random.default_rng(0))
    found = forecast(whole, left=list(whole), planned=5, level=0.95)
    assert found["c2"].stays_tied == 0
    assert found["c2"].out_if_best == 1, "its gap is not the luck of two seeds"
    assert max(found["c0"].stays_tied, found["c1"].stays_tied) == 1


def test_alone_it_is_the_best():
    whole = field([0.0, 0.3], num_seeds=2, seed_sd=0.002, random=np.random.default_rng(0))
    [one] = forecast(whole, left=["c0"], planned=5, level=0.95).values()
    assert (one.tied, one.stays_tied, one.out_if_best) == (True, 1.0, 0.0)


def test_with_every_seed_it_is_the_reports_verdict():
    """Nothing is left to draw, so all draws agree, with each other and with the report."""
    agreed = 0
    for start in range(6):
        whole = field([0.0, 0.01, 0.03, 0.06, 0.1], num_seeds=4, seed_sd=0.01, random=np.random.default_rng(start))
        verdict = simultaneous(pairwise_differences(whole)).leading()
        found = forecast(whole, left=list(whole), planned=4, level=0.95)
        assert {name for name, one in found.items() if one.tied} == set(verdict)
        assert all(one.stays_tied in (0, 1) for one in found.values())
        agreed += sum((one.stays_tied == 1) == (name in verdict) for name, one in found.items())
    assert agreed >= 29, "of 30; a margin that is reckoned a little otherwise may turn one"


def test_the_order_of_the_seeds_does_not_matter():
    whole = field([0.0, 0.02, 0.05], num_seeds=3, seed_sd=0.01, random=np.random.default_rng(3))
    turned = {name: Scores(one.values[::-1], seeds=one.seeds[::-1], row_ids=one.row_ids) for name, one in whole.items()}
    one = forecast(whole, left=list(whole), planned=5, level=0.95)
    other = forecast(turned, left=list(whole), planned=5, level=0.95)
    assert [f.stays_tied for f in other.values()] == pytest.approx([f.stays_tied for f in one.values()], abs=0.06)


def test_unequal_seeds_are_told_apart_by_their_names():
    """One rests after two seeds; its missing seeds are drawn around what all others did on them."""
    whole = field([0.0, 0.0, 0.02, 0.2], num_seeds=4, seed_sd=0.002, random=np.random.default_rng(1))
    hard = {
        name: Scores(one.values * (np.arange(4) < 2)[:, None], seeds=one.seeds, row_ids=one.row_ids)
        for name, one in whole.items()
    }  # every contender fails in the last two seeds: a pooling that lacks them must not seem to be better for it
    counts = {"c0": 2, "c1": 4, "c2": 4, "c3": 4}
    found = forecast(first(hard, counts), left=list(hard), planned=5, level=0.95)
    assert found["c1"].stays_tied > 0.5
    assert found["c0"].stays_tied > 0.5


def test_what_is_foretold_happens_as_often():
    """Of verdicts foretold with 0.8 or more, at least 7 of 10 come; of those with 0.2 or less, at most 3 of 10."""
    likely, unlikely = [], []
    for start in range(24):
        random = np.random.default_rng([start, 7])
        whole = field([0.0, 0.01, 0.02, 0.04, 0.06, 0.08], num_seeds=5, seed_sd=0.015, random=random)
        end = simultaneous(pairwise_differences(whole)).leading()
        for name, one in forecast(first(whole, 2), left=list(whole), planned=5, level=0.95).items():
            if 0.8 <= one.stays_tied < 1:
                likely.append(name in end)
            if 0 < one.stays_tied <= 0.2:
                unlikely.append(name in end)
    assert min(len(likely), len(unlikely)) >= 5, "premise: there are such"
    assert np.mean(likely) >= 0.7
    assert np.mean(unlikely) <= 0.3

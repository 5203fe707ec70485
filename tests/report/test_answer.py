"""The answer in words."""

from __future__ import annotations

import re

import pytest
from studies import write_run

from poolsweep.report.answer import (
    against_baseline,
    answer,
    answers,
    cheapest,
    evidence,
    one_label,
)
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.report.settling import what_would_settle


@pytest.fixture
def compared(make_study):
    def compare(metric: str = "accuracy", **options):
        [comparison] = compare_all(load_runs([make_study(**options)]), metric=metric)
        return comparison

    return compare


def test_a_tie_is_named_and_hedged(compared):
    comparison = compared()
    assert len(comparison.leading) > 1, "premise: a tie"
    text = answer(comparison)
    best, second, third = comparison.leading
    assert text.startswith(f"{best} has the highest test accuracy: ")
    assert len(comparison.leading) < len(comparison.names), "premise: another is worse"
    assert text.endswith(f"Not significantly worse, given 3 seeds and 200 test texts: {second} and {third}.")
    assert evidence(comparison) == "3 seeds and 200 test texts"


def test_where_none_is_worse_it_says_so(compared):
    comparison = compared(num_texts=20)
    assert comparison.leading == comparison.names, "premise: all could be the best"
    assert answer(comparison).endswith("None of the 3 others is significantly worse, given 3 seeds and 20 test texts.")


def test_a_clear_winner_is_named_without_a_but(outputs):
    for seed in range(5):
        write_run(outputs / "s", pooling="cls", seed=seed, skill=0.5, num_texts=400)
        write_run(outputs / "s", pooling="max", seed=seed, skill=0.95, num_texts=400)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    text = answer(comparison)
    assert "Every other pooling is significantly worse, given 5 seeds and 400 test texts." in text
    assert "Its difference to cls is +" in text
    assert " points (95% interval +" in text
    assert ", p < 0.001" in text
    assert against_baseline(comparison) == "Significantly above cls: max."
    assert comparison.star == "max"
    assert what_would_settle(comparison) == []


def test_no_verdict_speaks_against_another(outputs):
    """What could be chance in the interval is a tie in the table, and the other way round."""
    for seed in range(2):
        write_run(outputs / "s", pooling="cls", seed=seed, skill=0.5, num_texts=150)
        write_run(outputs / "s", pooling="max", seed=seed, skill=0.55, num_texts=150)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert not comparison.against["max"].significant, "premise: one-sided beyond chance, two-sided not"
    assert comparison.leading == ("max", "cls")
    assert "That is not significant." in answer(comparison)
    assert answer(comparison).endswith("Not significantly worse, given 2 seeds and 150 test texts: cls.")
    assert against_baseline(comparison) == "No pooling differs significantly from cls."


def test_when_the_baseline_leads_it_says_so(outputs):
    for seed in range(3):
        write_run(outputs / "s", pooling="cls", seed=seed, skill=0.9)
        write_run(outputs / "s", pooling="max", seed=seed, skill=0.5)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert answer(comparison).startswith("cls, the baseline, has the highest test accuracy: ")
    assert against_baseline(comparison) == "Significantly below cls: max."


def test_one_pooling_is_compared_with_nothing(compared):
    comparison = compared(poolings=["cls"])
    assert answer(comparison).endswith("there is nothing to compare it with.")
    assert what_would_settle(comparison) == []


def test_one_seed_says_what_it_leaves_out(compared):
    assert answer(compared(seeds=[0])).endswith("One seed does not say what another would give.")


def test_without_any_basis_nothing_is_claimed(compared):
    comparison = compared(seeds=[0], predictions=False)
    assert answer(comparison).endswith("Whether that is significant is not known.")
    assert against_baseline(comparison) == ""


def test_a_correlation_is_no_percentage(compared):
    text = answer(compared(metric="mcc"))
    assert re.match(r"max has the highest test Matthews correlation: \d+\.\d\d\. ", text), text


def test_what_would_settle_names_each_tie_once(compared):
    comparison = compared()
    best, *tied = comparison.leading
    assert len(tied) > 1, "premise: ties"
    lines = what_would_settle(comparison)
    assert [line.split(":")[0] for line in lines] == [f"{best} and {name}" for name in tied][:5]
    assert all("seeds" in line or "test texts" in line or "apart" in line or "same" in line for line in lines)


def test_of_those_that_tie_the_cheapest_is_to_be_taken(compared):
    comparison = compared()
    trained = {name: 10 * len(name) for name in comparison.leading}  # as the made-up runs have it
    assert len(set(trained.values())) > 1, "premise: they differ in cost"
    least = min(trained, key=lambda name: trained[name])
    start = f"Of the {len(trained)} that could be the best, take {least}. It is the cheapest: {trained[least]} trained"
    assert cheapest(comparison).startswith(start)
    same = compared(name="same", parameters={"trained": 10, "pooled_size": 4})
    start = f"The {len(same.leading)} that could be the best cost the same"
    assert cheapest(same) == f"{start}: take {same.names[0]}, whose mean is highest."


def test_one_label_predicted_is_said_outright(outputs):
    for seed in range(3):
        write_run(outputs / "s", pooling="cls", seed=seed, says="owl")
        write_run(outputs / "s", pooling="max", seed=seed, skill=0.9, says="cat" if seed == 0 else None)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert one_label(comparison) == [
        "One label predicted: max answers cat for every test text in 1 of 3 runs.",
        "One label predicted: cls answers owl for every test text.",
    ]
    assert set(one_label(comparison)) <= set(answers(comparison))
    assert one_label(compare_all(load_runs([outputs / "s"]), metric="mcc")[0]) == one_label(comparison)

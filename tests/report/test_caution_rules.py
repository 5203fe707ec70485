"""Facts in, sentences out."""

from __future__ import annotations

import math

import pytest

from poolsweep.report.caution_rules import RunFacts, label_cautions, study_cautions
from poolsweep.report.replicates import Replicate
from poolsweep.statistics import t_estimate

of = Replicate.of_seed


def runs(**changes):
    """Two contenders of three seeds each; ``changes`` go to cls seed 2."""
    study = [RunFacts(name, of(seed), commit="a1", hardware="cpu") for name in ("cls", "mean") for seed in (0, 1, 2)]
    study[2] = RunFacts("cls", of(2), **{"commit": "a1", "hardware": "cpu", **changes})
    return study


def kinds(cautions):
    return [caution.kind for caution in cautions]


def test_a_sound_study_has_no_caution():
    assert study_cautions(runs()) == ()


def test_a_failed_seed_is_missing_too():
    cautions = study_cautions(runs(finished=False))
    assert kinds(cautions) == ["failed runs", "missing replicates", "unequal replicates", "few replicates"]
    assert cautions[0].serious
    assert "cls seed 2" in cautions[0].sentence
    assert cautions[1].sentence == "Missing: cls lacks seed 2."
    assert "cls 2, mean 3" in cautions[2].sentence


def test_a_contender_that_only_failed_is_named():
    study = [*runs(), *(RunFacts("max", of(seed), finished=False) for seed in (0, 1))]
    cautions = {caution.kind: caution for caution in study_cautions(study)}
    assert "max seeds 0, 1" in cautions["failed runs"].sentence
    assert "max lacks seeds 0, 1, 2" in cautions["missing replicates"].sentence
    assert "few replicates" not in cautions


@pytest.mark.parametrize(
    ("change", "kind", "serious"),
    [
        ({"selected_on": "test"}, "selection on test", True),
        ({"commit": "b2"}, "different commits", False),
        ({"hardware": "H100"}, "different hardware", False),
    ],
)
def test_one_run_that_differs(change, kind, serious):
    (caution,) = study_cautions(runs(**change))
    assert (caution.kind, caution.serious) == (kind, serious)
    assert "cls" in caution.subjects


def test_other_test_rows_are_serious():
    study = [RunFacts("cls", of(seed), test_rows=str(seed)) for seed in range(3)]
    (caution,) = study_cautions(study)
    assert (caution.kind, caution.serious) == ("different test rows", True)


def test_what_is_unknown_is_not_different():
    assert study_cautions(runs(commit=None, hardware=None)) == ()


def test_one_seed_is_serious_and_two_are_not():
    (caution,) = study_cautions([RunFacts("cls", of(0))])
    assert (caution.kind, caution.serious) == ("few replicates", True)
    (caution,) = study_cautions([RunFacts("cls", of(0)), RunFacts("cls", of(1))])
    assert (caution.kind, caution.serious) == ("few replicates", False)


def test_balanced_labels_have_no_caution():
    assert label_cautions({"a": 50, "b": 50}, over_majority={"cls": t_estimate(0.4, 1e-4, 9)}) == ()


def test_a_majority_near_the_best_accuracy_misleads():
    over = {"cls": t_estimate(0.1, 1e-4, 99), "mean": t_estimate(0.05, 1e-4, 99)}
    (caution,) = label_cautions({"no": 85, "yes": 15}, over_majority=over)
    assert caution.kind == "class imbalance"
    assert "85.0%" in caution.sentence


def test_contenders_that_do_not_beat_the_majority_are_named():
    over = {"cls": t_estimate(0.001, 1e-4, 99), "max": t_estimate(0.0, math.nan, 0), "mean": t_estimate(0.2, 1e-4, 99)}
    cautions = label_cautions({"no": 70, "yes": 30}, over_majority=over)
    assert cautions[0].kind == "no better than the majority"
    assert cautions[0].subjects == ("cls", "max")
    assert cautions[0].sentence == (
        "Not shown to be better than always answering no (70.0% accuracy): "
        "cls (+0.1 points, 95% interval −1.9 to +2.1); max (+0.0 points)."
    )


def test_of_many_that_do_not_beat_the_majority_three_are_told():
    over = {name: t_estimate(0.0, math.nan, 0) for name in "abcde"}
    caution = label_cautions({"no": 70, "yes": 30}, over_majority=over)[0]
    assert caution.sentence.endswith("a (+0.0 points); b (+0.0 points); c (+0.0 points) and 2 more.")
    assert caution.subjects == tuple("abcde")


def test_rare_labels_are_named():
    (caution,) = label_cautions({"a": 50, "b": 45, "c": 9})
    assert (caution.kind, caution.subjects) == ("rare classes", ("c",))


def test_no_test_example_is_refused():
    with pytest.raises(ValueError, match="at least one test example"):
        label_cautions({})

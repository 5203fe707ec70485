"""Every caution, from run folders that give cause for it."""

from __future__ import annotations

import json

import pytest
from studies import write_run

from poolsweep.report.cautions import cautions
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.majority import over_majority
from poolsweep.report.results import load_runs
from poolsweep.report.run_notes import unfinished, what_seeds_are


def found(study) -> dict[str, bool]:
    [comparison] = compare_all(load_runs([study]))
    return {sentence: serious for serious, sentence in cautions(comparison)}


def edit(study, change) -> None:
    for path in sorted(study.glob("*/result.json")):
        facts = json.loads(path.read_text())
        change(facts)
        path.write_text(json.dumps(facts))


def test_a_clean_study_has_none(make_study):
    assert found(make_study()) == {}


@pytest.mark.parametrize(
    ("change", "start", "serious"),
    [
        (lambda f: f.update(monitor="test/accuracy"), "Selected on the test split", True),
        (lambda f: f.update(git_commit=("a" if f["seed"] else "b") * 40), "Run from different commits", False),
        (lambda f: f["hardware"].update(device="gpu" if f["seed"] else "cpu"), "Run on different hardware", False),
        (lambda f: f.update(seeds_are="bootstrap samples"), "Seeds are bootstrap samples", False),
        (
            lambda f: f.update(truncated_share={"test": 0.31 if f["pooling"] == "max" else 0.1}),
            "31% of the test texts are cut to the encoder's limit: max. A longer data.max_length",
            False,
        ),
        (lambda f: f.update(windows={"test": 3.26}), "Windows a test text on average: 3.3, ", False),
        (
            lambda f: f.update(status="failed") if (f["pooling"], f["seed"]) == ("max", 1) else None,
            "Missing: max lacks seed 1.",
            False,
        ),
    ],
)
def test_what_runs_say_of_themselves(make_study, change, start, serious):
    study = make_study()
    edit(study, change)
    told = found(study)
    match = [sentence for sentence in told if sentence.startswith(start)]
    assert match, told
    assert told[match[0]] is serious


def test_unequal_and_missing_seeds(make_study):
    study = make_study()
    write_run(study, pooling="elmo", seed=0)
    told = list(found(study))
    assert "Missing: elmo lacks seeds 1, 2." in told
    assert any(s.startswith("Unequal numbers of seeds: ") and "elmo 1" in s for s in told)


def test_one_seed_is_serious_and_comes_first(make_study):
    [comparison] = compare_all(load_runs([make_study(seeds=[0])]))
    listed = cautions(comparison)
    assert listed[0][0]
    assert [serious for serious, _ in listed] == sorted((serious for serious, _ in listed), reverse=True)
    assert any(sentence.startswith("One seed says nothing of what another would give") for _, sentence in listed)


def test_accuracy_that_misleads(outputs):
    for seed in range(3):
        for pooling in ("cls", "max"):
            write_run(outputs / "s", pooling=pooling, seed=seed, skill=0.45, labels=("no", "yes"), num_texts=100)
    assert any(s.startswith(("Not shown to be better than", "Always answering")) for s in found(outputs / "s"))


def test_predictions_that_are_missing(make_study):
    study = make_study()
    for run in load_runs([study]):
        if (run.facts["pooling"], run.facts["seed"]) == ("max", 2):
            run.folder.predictions("test").unlink()
    told = found(study)
    assert told["No test predictions could be read of: max seed 2. Their differences do not count."]
    assert any(s.startswith("No predictions were found") for s in found(make_study("none", predictions=False)))


def test_runs_on_files_that_were_replaced_are_left_out_with_the_reason(make_study):
    study = make_study(poolings=("cls", "max"), data_id="old", data_place=["/d/animals.csv"], started="2026")
    write_run(study, pooling="cls", seed=1, run_id="a", started="2027", data_id="new", data_place=["/d/animals.csv"])
    told = found(study)
    assert told["6 finished runs are left out: the files of animals have been replaced since they were read."]


def test_what_was_said_of_the_data_before_the_runs_is_said_again(make_study):
    told = found(make_study(cautions=["3 of the 9 test texts are training texts too", None]))
    assert told["3 of the 9 test texts are training texts too."], "it undermines the verdict"


def test_unfinished_runs_in_one_sentence(make_study):
    study = make_study()
    assert unfinished(load_runs([study])) == ""
    for name, file, facts in (("a", "result", {"status": "failed", "name": "pooling=x", "reason": "out of memory"}),
                              ("b", "status", {"state": "interrupted"})):  # fmt: skip
        (study / name).mkdir()
        (study / name / f"{file}.json").write_text(json.dumps(facts))
    assert unfinished(load_runs([study])) == (
        "2 of 14 runs have no result (1 failed, 1 interrupted; pooling=x: out of memory)."
    )


def test_what_seeds_are(make_study):
    [comparison] = compare_all(load_runs([make_study(seeds_are="draws")]))
    assert what_seeds_are(comparison) == "Seeds are draws."


def test_no_better_than_the_majority_has_its_interval(outputs):
    """Against always answering the commonest label, paired by text; all contenders together at 95%."""
    for seed in range(3):
        write_run(outputs / "s", pooling="cls", seed=seed, says="owl")
        write_run(outputs / "s", pooling="max", seed=seed, skill=0.9)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    over = over_majority(comparison)
    assert over["max"].low > 0
    assert over["max"].level == 0.975
    assert not over["cls"].low > 0
    [told] = [s for s in found(outputs / "s") if s.startswith("Not shown to be better than")]
    assert "cls (" in told
    assert "max (" not in told

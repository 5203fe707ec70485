"""A study that was run on two machines, some seeds on each, reads as one."""

from __future__ import annotations

import json
import shutil

import pytest
from studies import write_run, write_study

from poolsweep.report.cautions import cautions
from poolsweep.report.leaderboard import compare_all, leaderboard
from poolsweep.report.results import load_runs

POOLINGS = ("cls", "max")


@pytest.fixture
def halves(outputs):
    """Seeds 0 and 1 of one machine, 2 and 3 of another, whose folders lie elsewhere."""
    one = write_study(outputs / "one", poolings=POOLINGS, seeds=(0, 1), data_id="same", data_place=["/home/a/x.csv"])
    two = write_study(outputs / "two", poolings=POOLINGS, seeds=(2, 3), data_id="same", data_place=["/scratch/x.csv"])
    return one, two


def told(*studies) -> dict[str, bool]:
    [comparison] = compare_all(load_runs(studies))
    return {sentence: serious for serious, sentence in cautions(comparison)}


def rewrite(run, **changes) -> None:
    path = run / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_two_halves_say_what_the_whole_says(outputs, halves):
    whole = write_study(outputs / "whole", poolings=POOLINGS, seeds=(0, 1, 2, 3), data_id="same")
    expected = leaderboard(compare_all(load_runs([whole])))
    assert [row.replicates for row in expected] == [("0", "1", "2", "3")] * 2
    assert leaderboard(compare_all(load_runs(halves))) == expected
    assert told(*halves) == {}
    shutil.copytree(halves[1], halves[0], dirs_exist_ok=True)
    assert leaderboard(compare_all(load_runs([halves[0]]))) == expected, "copied into one folder"


def test_a_run_of_both_counts_once(halves):
    one, two = halves
    copied = next(path for path in sorted(one.iterdir()) if path.is_dir())
    shutil.copytree(copied, two / copied.name)
    runs = load_runs(halves)
    assert len(runs) == 8
    assert [len(run.copies) for run in runs if run.path.name == copied.name] == [1]
    assert told(*halves) == {}


def test_other_results_of_the_same_run_are_named_and_the_study_named_first_counts(outputs, halves):
    one, two = halves
    again = write_run(two, pooling="max", seed=0, skill=0.9, data_id="same")
    first, other = (json.loads((study / again.name / "result.json").read_text()) for study in halves)
    values = [facts["metrics"]["test/accuracy"] for facts in (first, other)]
    assert values[0] != values[1], "premise: the results differ"
    sentence = (
        f"Run twice, with different results: max seed 0 (test/accuracy {values[0]:.6g} in {one}, {values[1]:.6g} in "
        f"{two}). The study named first counts."
    )
    assert told(one, two) == {sentence: True}
    for order, counted in ((halves, values[0]), ((two, one), values[1])):
        [run] = [run for run in load_runs(order) if run.path.name == again.name]
        assert run.metric("test/accuracy") == counted


def test_another_metric_that_differs_is_a_lesser_caution(halves):
    one, two = halves
    copied = next(path for path in sorted(one.iterdir()) if path.is_dir())
    facts = json.loads((copied / "result.json").read_text())
    shutil.copytree(copied, two / copied.name)
    rewrite(two / copied.name, metrics=facts["metrics"] | {"val/loss": facts["metrics"]["val/loss"] + 1e-9})
    assert told(*halves) == {}, "the last digits"
    rewrite(two / copied.name, metrics=facts["metrics"] | {"val/loss": facts["metrics"]["val/loss"] + 0.01})
    [(sentence, serious)] = told(*halves).items()
    assert sentence.startswith("Run twice, with different results: ")
    assert "val/loss" in sentence
    assert not serious


def test_other_versions_are_on_the_page(cli, halves):
    for study, version in zip(halves, ("2.11.0", "2.13.0"), strict=True):
        for run in (path for path in study.iterdir() if path.is_dir()):
            rewrite(run, versions={"python": "3.12.1", "torch": version})
    assert told(*halves) == {"Run under different versions: torch 2.11.0: cls, max; torch 2.13.0: cls, max.": False}
    assert cli("report", "one", "two").status == 0
    assert "Run under different versions: torch 2.11.0" in (halves[0] / "report+two" / "report.html").read_text()


def test_what_is_changed_and_not_committed_is_other_code(halves):
    for study, changes in zip(halves, ("11111111", "22222222"), strict=True):
        for run in (path for path in study.iterdir() if path.is_dir()):
            rewrite(run, git_commit=f"{'a' * 40}+changes", git_changes=changes)
    [sentence] = told(*halves)
    assert sentence.startswith(f"Run from different commits: {'a' * 40}+changes 11111111: cls, max; ")


def test_a_gpu_beside_a_cpu_is_another_setting_and_is_named(halves):
    for run in (path for path in halves[1].iterdir() if path.is_dir()):
        rewrite(run, setting="w", hardware={"accelerator": "cuda", "device": "H200"})
    found = told(*halves)
    [sentence] = [one for one in found if one.startswith("Not counted, for it is another setting: ")]
    assert found[sentence]
    assert "differs in trainer.accelerator" in sentence


def test_one_content_under_two_names_is_one_data_set(outputs):
    """``data.train=train.csv`` is named by its folder, and a folder may be called otherwise elsewhere."""
    one = write_study(outputs / "one", poolings=POOLINGS, seeds=(0, 1), data_id="same", started="2026-01-01")
    two = write_study(outputs / "two", poolings=POOLINGS, seeds=(2, 3), data_id="same", started="2026-01-02")
    for run in (path for path in two.iterdir() if path.is_dir()):
        rewrite(run, data="elsewhere")
    for order in ((one, two), (two, one)):
        [comparison] = compare_all(load_runs(order))
        assert comparison.group.data == "animals"

"""What a user's word for a model means, on studies made of numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from studies import write_run, write_study

from poolsweep.errors import UserError
from poolsweep.predict.choose import all_contenders, choose


@pytest.fixture
def study(outputs: Path) -> Path:
    """Three poolings with three seeds; by validation last4_concat is the best, by test max."""
    folder = outputs / "demo"
    for pooling, validation, test in (("cls", 0.6, 0.6), ("max", 0.7, 0.9), ("last4_concat", 0.8, 0.7)):
        for seed in (0, 1, 2):
            metrics = {"val/accuracy": validation + seed / 100, "val/loss": 0.5, "test/accuracy": test}
            write_run(folder, pooling=pooling, seed=seed, predictions=False, metrics=metrics)
    return folder


def replicates(study: Path, **facts: object) -> list[Path]:
    import json

    found = {path: json.loads((path / "result.json").read_text()) for path in study.iterdir() if path.is_dir()}
    kept = [path for path, result in found.items() if facts.items() <= result.items() and "refit" not in result]
    return sorted(kept, key=lambda path: found[path]["seed"])


def test_a_run_folder_is_itself(study):
    [run, *_] = replicates(study)
    found = choose(run)
    assert (found.kind, found.runs, found.line) == ("run", (run,), None)
    assert found.single() == run


def test_a_study_is_its_best_contender_by_validation(study):
    found = choose("demo")
    assert found.kind == "replicates"
    assert list(found.runs) == replicates(study, pooling="last4_concat")
    assert found.name == "demo:last4_concat"
    assert found.line == (
        "demo:last4_concat is the best of 3 on validation (mean val/accuracy 0.8100 over 3 runs); its 3 replicates are "
        "used together"
    )
    assert choose(str(study)).runs == found.runs


def test_a_loss_is_better_the_lower_it_is(outputs):
    for pooling, loss in (("cls", 0.2), ("max", 0.9)):
        metrics = {"val/loss": loss, "test/accuracy": 0.5}
        facts = {"monitor": "val/loss", "mode": "min", "metrics": metrics}
        write_run(outputs / "demo", pooling=pooling, seed=0, predictions=False, **facts)
    assert choose("demo").name == "demo:cls"


def test_contenders_are_held_against_each_other_on_the_seeds_that_all_have(study):
    for seed in (3, 4):  # easy seeds that the others lack
        metrics = {"val/accuracy": 1.0, "test/accuracy": 0.5}
        write_run(study, pooling="cls", seed=seed, predictions=False, metrics=metrics)
    assert choose("demo").name == "demo:last4_concat"


def test_a_pooling_may_be_named(study):
    found = choose("demo:max")
    assert list(found.runs) == replicates(study, pooling="max")
    assert found.line == "demo:max; its 3 replicates are used together"


def test_one_model_is_never_picked_by_its_score(study):
    first = replicates(study, pooling="max")[0]
    with pytest.raises(UserError) as refused:
        choose("demo:max").single()
    assert str(refused.value) == (
        f"demo:max has 3 replicates; poolsweep refit demo:max makes the one to ship, or name a run: {first}"
    )


def test_the_only_replicate_is_the_model(outputs):
    run = write_run(outputs / "demo", pooling="cls", seed=0)
    assert choose("demo").single() == run
    assert choose("demo").kind == "run"


def test_the_newest_refit_stands_for_its_contender(study):
    told = {"of": "demo:max", "runs": ["a", "b"], "with_validation": False}
    refit: dict = {"refit": told, "seed": 0, "pooling": "max", "predictions": False}
    metrics = {"val/accuracy": 1.0, "test/accuracy": 1.0}
    write_run(study, **refit, run_id="old", started="2026-01-01T00:00:00+00:00", metrics=metrics)
    newer = write_run(study, **refit, run_id="new", started="2026-02-01T00:00:00+00:00", metrics=metrics)
    write_run(study, **refit, run_id="failed", status="failed", started="2026-03-01T00:00:00+00:00")
    write_run(study, **refit, run_id="other", started="2026-03-01T00:00:00+00:00", setting="w", metrics=metrics)
    found = choose("demo:max")
    assert (found.kind, found.single()) == ("refit", newer)
    assert choose("demo").name == "demo:last4_concat", "a refit does not compete"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("demo:lst4_concat", "demo has no finished 'lst4_concat'; did you mean last4_concat?"),
        ("demo:", "demo has no finished ''; valid: cls, last4_concat, max"),
        ("demo:cls:max", "demo has no finished 'max'; none is valid here"),
        ("dmo:cls", "{typed} is no run folder, and there is no study dmo in {root}; did you mean demo?"),
        ("dmo", "{typed} is no run folder, and there is no study dmo in {root}; did you mean demo?"),
    ],
)
def test_unknown_words(study, typed, said):
    with pytest.raises(UserError) as refused:
        choose(typed)
    assert str(refused.value) == said.format(root=study.parent, typed=typed)


def test_several_data_sets_are_to_be_named(outputs):
    write_study(outputs / "two", poolings=["cls", "max"], data=["ade", "trec6"])
    with pytest.raises(UserError, match=r"two has 2 data sets.*two:ade, two:trec6"):
        choose("two")
    with pytest.raises(UserError, match=r"two:max has 2 data sets.*two:max:ade, two:max:trec6"):
        choose("two:max")
    assert choose("two:ade:max").runs == choose("two:max:ade").runs
    assert choose("two:ade:max").name == "two:ade:max"
    assert choose("two:trec6").name.startswith("two:trec6:")


def test_encoders_of_a_data_set_compete(outputs):
    for encoder, validation in (("tiny", 0.6), ("org/other", 0.8)):
        metrics = {"val/accuracy": validation, "test/accuracy": 0.5}
        write_run(outputs / "demo", pooling="cls", seed=0, encoder=encoder, predictions=False, metrics=metrics)
    found = choose("demo")
    assert found.name == "demo:org/other/cls"
    assert choose("demo:tiny/cls").runs != found.runs == choose(found.name).runs


def test_a_pooling_that_several_contenders_have_is_no_name(outputs):
    for regime in ("probe", "frozen"):
        for pooling in ("cls", "max")[: 1 + (regime == "probe")]:
            write_run(outputs / "demo", pooling=pooling, seed=0, regime=regime, setting=regime)
    assert choose("demo:max").name == "demo:max/probe"
    with pytest.raises(UserError) as refused:
        choose("demo:cls")
    assert str(refused.value) == "demo:cls could be 2 contenders; name one: demo:cls/probe, demo:cls/frozen"
    assert [one.name for one in all_contenders("demo:cls")] == ["demo:cls/probe", "demo:cls/frozen"]


def test_the_most_training_rows_are_meant(outputs):
    for rows in (None, 50):
        for pooling, skill in (("cls", 0.6), ("max", 0.9 if rows else 0.4)):
            asked = {"train_rows": rows, "rows_per_label": None}
            write_run(outputs / "demo", pooling=pooling, seed=0, skill=skill, rows_asked=asked)
    found = choose("demo")
    assert found.name == "demo:cls"
    assert "rows_asked" in found.runs[0].joinpath("result.json").read_text()
    assert '"train_rows": null' in found.runs[0].joinpath("result.json").read_text()


@pytest.mark.parametrize("name", ["with:colon", "a:b:c"])
def test_a_study_may_have_a_colon_in_its_name(outputs, name):
    write_study(outputs / name, poolings=["cls", "max"])
    assert choose(name).name.startswith(f"{name}:")
    assert choose(f"{name}:cls").name == f"{name}:cls"


def test_nothing_has_finished(outputs):
    write_run(outputs / "demo", pooling="cls", seed=0, status="failed")
    with pytest.raises(UserError, match="no run of demo has finished; poolsweep status"):
        choose("demo")


def test_no_torch_is_loaded(study):
    code = "import sys; from poolsweep.predict.choose import choose; choose('demo'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "False"

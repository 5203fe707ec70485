"""What the leaderboard prints."""

from __future__ import annotations

import io

import pytest
from studies import write_run, write_study

from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.report.terminal import print_cautions, print_leaderboards, show_study
from poolsweep.terminal.console import Console


@pytest.fixture
def printed():
    def run(study, *, metric: str = "accuracy", width: int = 120) -> str:
        out = io.StringIO()
        console = Console(file=out, width=width)
        runs = load_runs([study])
        comparisons = compare_all(runs, metric=metric)
        print_leaderboards(comparisons, console=console)
        print_cautions(comparisons, runs, console=console)
        return out.getvalue()

    return run


def test_ties_are_marked_and_the_answer_follows(make_study, printed):
    text = printed(make_study())
    assert "= could be the best: one of these is, with 95% confidence" in text
    [comparison] = compare_all(load_runs([make_study("again")]))
    marked = {line.split()[1] for line in text.splitlines() if line.startswith("= ") and "±" in line}
    assert marked == set(comparison.leading)
    assert f"{comparison.names[0]} has the highest test accuracy" in text
    assert "caution" not in text


@pytest.mark.parametrize(("width", "terminal", "kept"), [(30, False, 3), (100, True, 3), (66, True, 1), (60, True, 0)])
def test_a_name_is_never_broken_before_the_costs_have_gone(width, terminal, kept, outputs):
    name = "generalized_pooling"
    for pooling in ("cls", name):
        for seed in range(3):
            write_run(outputs / "s", pooling=pooling, seed=seed, num_texts=40)
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None)
    print_leaderboards(compare_all(load_runs([outputs / "s"])), console=console)
    header = next(line for line in out.getvalue().splitlines() if "pooling " in line and "accuracy" in line)
    assert [column for column in ("s/run", "trained", "dims") if column in header] == ["s/run", "trained", "dims"][
        :kept
    ]
    assert any(line[2:].startswith(f"{name} ") and "±" in line for line in out.getvalue().splitlines())


def test_a_clear_best_has_a_star(outputs, printed):
    for seed in range(5):
        write_run(outputs / "s", pooling="cls", seed=seed, skill=0.5)
        write_run(outputs / "s", pooling="max", seed=seed, skill=0.95)
    text = printed(outputs / "s")
    assert "★ best: every other is significantly worse (95%)" in text
    assert "★ max" in text


def test_one_seed_says_what_to_add_and_is_cautioned(make_study, printed):
    text = printed(make_study(seeds=[0]))
    assert "One seed gives no interval and no verdict: add seeds with seed=0,1,2." in text
    assert "caution: One seed says nothing of what another would give" in text
    assert not {"★", "=", "tied", "chance"} & set(text.split()), "no verdict"


def test_names_are_not_taken_for_markup(outputs, printed):
    for pooling in ("cls", "[bold red]x[/]"):
        for seed in (0, 1):
            write_run(outputs / "s", pooling=pooling, seed=seed, num_texts=40)
    assert "[bold red]x[/]" in printed(outputs / "s")


def test_several_data_sets_have_a_table_each(make_study, printed):
    text = printed(make_study(data=("animals", "birds"), seeds=[0]))
    assert "animals · tiny · test accuracy in %" in text
    assert "caution: birds: One seed says nothing" in text


def test_several_encoders_are_one_table_of_full_names(make_study, printed):
    study = make_study(seeds=[0])
    write_study(study, seeds=[0], encoder="small")
    text = printed(study)
    assert "animals · small, tiny · test accuracy in %" in text
    assert "small/cls" in text
    assert "tiny/max" in text
    assert text.count("caution: One seed says nothing") == 1


def test_a_correlation_is_times_a_hundred(make_study, printed):
    assert "test Matthews correlation × 100" in printed(make_study(), metric="mcc")


def test_after_a_sweep_the_study_is_shown_with_where_to_go_on(make_study):
    study, out = make_study(), io.StringIO()
    show_study(study, console=Console(file=out, width=200))
    assert (study / "leaderboard.csv").is_file()
    assert str(study / "leaderboard.csv") in out.getvalue()
    assert "poolsweep report study" in out.getvalue()


def test_the_table_of_all_rows_leads_and_fewer_have_one_table_together(make_study, printed, outputs):
    for rows in (100, 50):
        asked = {"train_rows": rows, "rows_per_label": None}
        write_study(outputs / "study", poolings=("cls", "max"), rows_asked=asked)
    text = printed(make_study(poolings=("cls", "max")))
    assert text.count("animals · tiny · test accuracy in %") == 1
    assert "100 training rows · test" not in text

"""``poolsweep report`` as it is typed, and what it writes."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest
from studies import write_run


def test_everything_is_written(cli, make_study):
    study = make_study()
    done = cli("report", "study")
    assert done.status == 0, done.err
    folder = study / "report"
    assert f"page, tables and figures: {folder / 'report.html'}" in done.out
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    figures = {"seeds", "pairs", "cost", "curves", "confusion", "errors", "calibration"}
    assert names == {"report.html", "leaderboard.csv", "leaderboard.tex", "leaderboard.md", "runs.parquet"} | {
        f"figures/{name}.{ending}" for name in figures for ending in ("svg", "pdf")
    }
    assert len(pd.read_parquet(folder / "runs.parquet")) == 12
    with (folder / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["tied_with_best"] for row in rows} <= {"yes", "no"}
    assert {row["basis"] for row in rows} == {"seeds and texts"}
    for path in (folder / "figures").glob("*.svg"):
        ElementTree.fromstring(path.read_text())


def test_several_studies_metric_baseline_and_folder(cli, make_study, tmp_path):
    make_study("one", data=("animals",), seeds=[0, 1])
    make_study("other", data=("birds",), seeds=[0, 1])
    done = cli("report", "one", "other", "--metric", "f1_macro", "--baseline", "max", "--out", str(tmp_path / "out"))
    assert done.status == 0, done.err
    assert "Δ max" in done.out
    assert "test macro F1 in %" in done.out
    figures = {path.stem for path in (tmp_path / "out" / "figures").glob("*.pdf")}
    assert {"ranks", "animals-seeds", "birds-seeds"} <= figures
    assert "Over data sets" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("nowhere",), "there is no study nowhere"),
        (("study", "--metric", "acuracy"), "metric acuracy is none that a report ranks by"),
        (("study", "--baseline", "maxx"), "baseline maxx is no contender of the study"),
    ],
)
def test_mistakes_are_one_line(cli, make_study, arguments, problem):
    make_study(seeds=[0])
    done = cli("report", *arguments)
    assert done.status == 2
    assert len(done.problems) == 1
    assert done.problems[0].startswith(problem)


def test_a_study_in_which_nothing_finished_says_so(cli, outputs):
    write_run(outputs / "s", pooling="cls", seed=0, status="failed")
    done = cli("report", "s")
    assert (done.status, done.problems) == (2, ["no run of s has finished"])


def test_hostile_names_stay_in_their_folder(cli, outputs):
    for data in ("../../up", "a/b\\c:d*"):
        for pooling in ("cls", "../x"):
            write_run(outputs / "s", pooling=pooling, seed=0, data=data, num_texts=40)
    before = set(outputs.parent.rglob("*"))
    assert cli("report", "s").status == 0
    made = set(outputs.parent.rglob("*")) - before
    assert all((outputs / "s" / "report") in path.parents or path == outputs / "s" / "report" for path in made)

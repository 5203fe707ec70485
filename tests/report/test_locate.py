"""Studies by name and by path."""

from __future__ import annotations

import pytest

from poolsweep.errors import UserError
from poolsweep.runs.locate import argument_for, find_study


def test_a_name_is_looked_for_under_the_output_root_and_a_path_as_it_is(make_study, tmp_path, monkeypatch):
    study = make_study("mine", poolings=["cls"], seeds=[0])
    assert find_study("mine") == study
    assert find_study(study) == study
    assert argument_for(study) == "mine"
    elsewhere = study.rename(tmp_path / "copied")
    assert argument_for(elsewhere) == str(elsewhere)
    monkeypatch.chdir(tmp_path)
    assert find_study("copied").resolve() == elsewhere


def test_a_name_that_is_nearly_right_is_named(make_study):
    make_study("reviews", poolings=["cls"], seeds=[0])
    with pytest.raises(UserError, match=r"there is no study reveiws .* reviews"):
        find_study("reveiws")


def test_an_output_root_without_studies_says_how_to_make_one():
    with pytest.raises(UserError, match="poolsweep train makes one"):
        find_study("demo")


def test_a_folder_without_runs_is_no_study(tmp_path):
    (tmp_path / "outputs" / "hollow" / "sub").mkdir(parents=True)
    with pytest.raises(UserError, match="hollow holds no runs"):
        find_study("hollow")

"""Values beyond ASCII are typed as they are."""

from __future__ import annotations

import pytest

from poolsweep.cli.quoting import quoted


@pytest.mark.parametrize(
    ("typed", "handed_on"),
    [
        ("study=Übung", 'study="Übung"'),
        ("data.train=[é.csv,b.csv]", 'data.train=["é.csv",b.csv]'),
        ("pooling=glob(é*)", 'pooling=glob("é*")'),
        ('study="é"', 'study="é"'),
        ("x={a: é}", "x={a: é}"),
        ("study=a,b", "study=a,b"),
        ("study=${oc.env:É}", "study=${oc.env:É}"),
    ],
)
def test_only_what_needs_quotes_gets_them(typed, handed_on):
    assert quoted([typed]) == [handed_on]


def test_an_accent_in_a_path_and_in_a_study(cli, tmp_path, write_csv, animal_rows, monkeypatch, outputs):
    write_csv(tmp_path / "josé" / "reviews.csv", animal_rows)
    monkeypatch.chdir(tmp_path)
    done = cli("train", "-m", "data=files", "data.train=josé/reviews.csv", "encoder=tiny", "encoder.frozen=true",
               "trainer=probe", "pooling=masked_mean", "study=Übung")  # fmt: skip
    assert done.status == 0, done.err
    assert (outputs / "Übung" / "leaderboard.csv").is_file()
    assert "josé" in cli("wandb-sweep", "data=files", "data.train=josé/reviews.csv", "seed=0,1").out


def test_what_cannot_be_parsed_shows_the_quoted_form(cli):
    done = cli("train", "data.train={a: é}x")
    assert done.status == 2
    assert done.err.count("\n") == 1

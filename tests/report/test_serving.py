"""What serving costs, beside the scores of every form of the leaderboard."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from studies import write_study

from poolsweep.runs.speed import Speed, write_speed

HOSTILE = "<b>x</b>\x1b[31m"


@pytest.fixture
def study(outputs: Path) -> Path:
    return write_study(outputs / "s", poolings=["cls", "max"], seeds=(0, 1))


def measured(study: Path, pooling: str, *, on: str) -> None:
    import json

    run = next(path.parent for path in sorted(study.glob("*/result.json"))
               if json.loads(path.read_text())["pooling"] == pooling)  # fmt: skip
    write_speed(run, Speed({1: 12.25, 64: 4321.0}, 91_000_000, on, 100))


def table_of(study: Path) -> dict[str, dict[str, str]]:
    with (study / "report" / "leaderboard.csv").open() as file:
        return {row["pooling"]: row for row in csv.DictReader(file)}


def test_without_a_measurement_there_is_no_column(cli, study):
    done = cli("report", "s")
    assert "texts/s" not in done.out
    assert "texts/s" not in (study / "report" / "report.html").read_text()
    assert table_of(study)["max"]["texts_per_second_1"] == ""


def test_every_table_has_what_was_measured(cli, study):
    measured(study, "max", on="a machine, 2 threads")
    done = cli("report", "s")
    line = next(line for line in done.out.splitlines() if line.startswith(("=", "★")) and " max" in line)
    assert line.split()[-6:-3] == ["12.2", "4,321", "91.0"]
    assert "1 and 64 texts a call, on a machine, 2 threads. MB: all weights, encoder included." in done.out
    row = table_of(study)["max"]
    assert (row["texts_per_second_1"], row["texts_per_second_64"]) == ("12.2", "4321.0")
    assert (row["weight_bytes"], row["measured_on"]) == ("91000000", "a machine, 2 threads")
    assert table_of(study)["cls"]["weight_bytes"] == ""
    page = (study / "report" / "report.html").read_text()
    assert '<td class="n" data-value="4321">4,321</td>' in page
    assert "| 12.2 | 4,321 | 91.0 |" in (study / "report" / "leaderboard.md").read_text()


def test_other_devices_are_said_not_to_compare(cli, study):
    measured(study, "max", on="one")
    measured(study, "cls", on="other")
    assert "measured on different devices and do not compare" in cli("report", "s").out


def test_the_name_of_a_device_is_a_stranger_s(cli, study):
    measured(study, "max", on=HOSTILE)
    done = cli("report", "s")
    assert done.status == 0
    assert "\x1b" not in done.out
    page = (study / "report" / "report.html").read_text()
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page

"""Contenders, settings and intervals of the leaderboard."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from poolsweep.report.leaderboard import Row, compare_all, write_leaderboard
from poolsweep.report.leaderboard import leaderboard as rows_of
from poolsweep.report.results import RunRecord, load_runs
from poolsweep.report.terminal import print_leaderboards
from poolsweep.terminal.console import Console


def result(pooling: str, seed: int, test: float, *, val: float = 0.5, setting: str = "v", **more) -> dict:
    return {
        "status": "finished", "run_id": f"{pooling}-{seed}-{setting}", "data": "d", "encoder": "e", "regime": "probe",
        "pooling": pooling,
        "seed": seed, "setting": setting, "monitor": "val/accuracy", "mode": "max", "seconds": 2.0,
        "metrics": {"test/accuracy": test, "val/accuracy": val, "val/loss": 1 - val},
        "parameters": {"trained": 10, "pooled_size": 4}, **more,
    }  # fmt: skip


def leaderboard(results: list[dict]) -> list[Row]:
    return rows_of(compare_all([RunRecord(Path("nowhere") / one["run_id"], one) for one in results]))


def test_means_intervals_and_paired_differences():
    results = [result("cls", seed, score) for seed, score in enumerate((0.70, 0.72, 0.74))]
    results += [result("max", seed, score) for seed, score in enumerate((0.80, 0.80, 0.86))]
    best, baseline = leaderboard(results)
    assert (best.name, baseline.name) == ("max", "cls")
    assert best.score.mean == pytest.approx(0.82)
    assert best.score.half_width == pytest.approx(4.30265 * 0.034641 / math.sqrt(3), rel=1e-4)
    assert best.difference is not None
    assert best.difference.value == pytest.approx(0.1)  # of 0.10, 0.08, 0.12
    assert best.difference.high - 0.1 == pytest.approx(4.30265 * 0.02 / math.sqrt(3), rel=1e-4)
    assert baseline.difference is None


def test_differences_pair_the_seeds_that_both_have():
    [row] = [r for r in leaderboard([result("cls", 0, 0.5), result("cls", 1, 0.6), result("max", 1, 0.9),
                                     result("max", 2, 0.1)]) if r.name == "max"]  # fmt: skip
    assert row.difference is not None
    assert row.difference.value == pytest.approx(0.3)
    assert math.isnan(row.difference.low)


def test_other_axes_are_chosen_on_validation_not_on_test():
    results = [result("cls", seed, 0.9, val=0.6, setting="a") for seed in (0, 1)]
    results += [result("cls", seed, 0.7, val=0.8, setting="b") for seed in (0, 1)]
    [row] = leaderboard(results)
    assert row.score.mean == pytest.approx(0.7)
    assert row.settings == 2


def test_a_monitor_that_is_to_be_low_is_chosen_low():
    low = {"monitor": "val/loss", "mode": "min"}
    results = [result("cls", 0, 0.9, val=0.6, setting="a", **low), result("cls", 0, 0.7, val=0.8, setting="b", **low)]
    assert leaderboard(results)[0].score.mean == pytest.approx(0.7)


def test_each_data_set_has_a_baseline_of_its_own():
    results = [result("cls", 0, 0.5), result("max", 0, 0.6)]
    results += [result("cls", 0, 0.1, data="f"), result("max", 0, 0.9, data="f")]
    found = {(row.data, row.name): row for row in leaderboard(results)}
    assert found["d", "max"].difference.value == pytest.approx(0.1)
    assert found["f", "max"].difference.value == pytest.approx(0.8)


def test_of_several_encoders_with_the_baseline_the_first_by_name_is_it():
    results = [result(pooling, 0, score, encoder=encoder, run_id=f"{encoder}-{pooling}")
               for encoder, pooling, score in (("e", "cls", 0.5), ("f", "cls", 0.7), ("f", "max", 0.9))]  # fmt: skip
    runs = [RunRecord(Path("nowhere") / one["run_id"], one) for one in results]
    for asked, wanted in (("cls", "e/cls"), ("f/cls", "f/cls"), ("max", "f/max")):
        [comparison] = compare_all(runs, baseline=asked)
        assert comparison.baseline == wanted
    assert comparison.names == ("f/max", "f/cls", "e/cls")


def write_study(folder, results: list[dict]) -> None:
    for one in results:
        path = folder / one["run_id"] / "result.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(one))


def test_failed_and_broken_results_are_left_out_of_the_file(tmp_path):
    write_study(tmp_path, [result("cls", 0, 0.5), result("cls", 1, 0.5, status="failed")])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "result.json").write_text('{"status": "fini')
    write_leaderboard(tmp_path / "leaderboard.csv", compare_all(load_runs([tmp_path])))
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["pooling"], row["replicates"], row["test_accuracy"], row["ci95_half_width"]) == (
        "cls",
        "0",
        "0.500000",
        "",
    )


def test_an_empty_study_gives_a_header_alone(tmp_path):
    write_leaderboard(tmp_path / "leaderboard.csv", compare_all(load_runs([tmp_path])))
    assert (tmp_path / "leaderboard.csv").read_text().count("\n") == 1


@pytest.mark.parametrize("width", [80, 160])
def test_the_printed_table_names_every_pooling_at_any_width(tmp_path, width: int):
    names = ["cls", "masked_mean", "second_to_last_mean"]
    write_study(tmp_path, [result(name, seed, 0.7 + 0.01 * seed) for name in names for seed in (0, 1, 2)])
    out = io.StringIO()
    print_leaderboards(compare_all(load_runs([tmp_path])), console=Console(file=out, width=width))
    assert all(name in out.getvalue() for name in names)
    assert "71.00 ± 2.48" in out.getvalue()


def test_there_is_no_negative_zero(tmp_path):
    scores = {"cls": (0.5, 0.7, 0.3), "max": (0.5 - 1e-9, 0.7, 0.3 - 1e-9)}
    write_study(tmp_path, [result(name, seed, x) for name, xs in scores.items() for seed, x in enumerate(xs)])
    comparisons = compare_all(load_runs([tmp_path]))
    write_leaderboard(tmp_path / "leaderboard.csv", comparisons)
    written = (tmp_path / "leaderboard.csv").read_text()
    assert "d,all rows,max,e,max,probe,0.500000,0.200000,0.496828,0.000000,0.000000,0.000000," in written
    assert "-0.000000" not in written

"""Studies as data frames."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from studies import write_run

import poolsweep
from poolsweep.errors import UserError
from poolsweep.report.config_differences import config_differences
from poolsweep.report.study import read_curve


def test_runs_have_a_row_each_with_metrics_and_what_differs(make_study):
    study = make_study(poolings=["cls"])
    write_run(study, pooling="max", seed=0, config={"optimizer": {"lr": 0.5}, "output_root": "elsewhere"})
    failed = write_run(study, pooling="max", seed=1)
    (failed / "result.json").write_text(json.dumps({"status": "failed", "reason": "disk full", "pooling": "max"}))
    runs = poolsweep.load_study("study").runs
    assert runs.index.name == "run_id"
    assert len(runs) == 5
    assert runs["state"].value_counts().to_dict() == {"finished": 4, "failed": 1}
    assert runs.loc[failed.name, "reason"] == "disk full"
    facts = json.loads(next(iter(study.glob("*/result.json"))).read_text())
    assert runs.loc[facts["run_id"], "test/accuracy"] == facts["metrics"]["test/accuracy"]
    assert runs["optimizer.lr"].dropna().tolist() == [0.5]
    assert not {"output_root", "seed.1", "init_seed"} & set(runs.columns)
    assert {"parameters.trained", "peak_memory_mib.process"} <= set(runs.columns)


def test_predictions_have_a_row_per_run_and_text(make_study):
    make_study()
    study = poolsweep.load_study("study")
    frame = study.predictions
    assert len(frame) == 12 * 200
    means = frame.groupby("run_id")["correct"].mean()
    assert np.allclose(means, study.runs.loc[means.index, "test/accuracy"])
    assert (frame["correct"] == (frame["label"].astype(str) == frame["predicted"].astype(str))).all()
    assert frame["confidence"].between(1 / 3, 1).all()
    assert sorted(frame["label"].unique()) == ["cat", "dog", "owl"]


def test_curves_have_a_row_per_logged_step(make_study):
    make_study(poolings=["cls"], seeds=[0])
    frame = poolsweep.load_study("study").curves
    assert frame["val/accuracy"].notna().tolist() == [False, True] * 4
    assert frame["train/loss"].dropna().tolist() == [1, 0.5, pytest.approx(1 / 3), 0.25]
    assert frame["pooling"].unique().tolist() == ["cls"]


def test_several_studies_and_paths(make_study):
    one, other = make_study("one", seeds=[0]), make_study("other", seeds=[1])
    assert len(poolsweep.load_study("one", other).records) == 8
    assert set(poolsweep.load_study(one).runs["seed"]) == {0}


def test_xarray_has_a_cell_per_combination(make_study):
    study = make_study(poolings=["cls", "max"], data=("animals", "birds"))
    write_run(study, pooling="elmo", seed=0)
    array = poolsweep.load_study(study).to_xarray()
    assert dict(array.sizes) == {
        "data": 2,
        "encoder": 1,
        "pooling": 3,
        "regime": 1,
        "rows": 1,
        "setting": 1,
        "split": 1,
        "fold": 1,
        "seed": 3,
    }
    runs = poolsweep.load_study(study).runs
    row = runs[(runs["pooling"] == "max") & (runs["seed"] == 2) & (runs["data"] == "birds")].iloc[0]
    cell = array["test/accuracy"].sel(data="birds", encoder="tiny", pooling="max", setting="v", seed=2).squeeze()
    assert float(cell) == row["test/accuracy"]
    assert np.isnan(array["test/accuracy"].sel(pooling="elmo", seed=1)).all()


def test_xarray_refuses_runs_that_share_a_place_and_says_what_to_install(make_study, monkeypatch):
    study = make_study(poolings=["cls"], seeds=[0])
    write_run(study, pooling="cls", seed=0, run_id="again", config={"init_seed": 7})
    with pytest.raises(UserError, match="init_seed or data_seed was swept"):
        poolsweep.load_study(study).to_xarray()
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(UserError, match=r"pip install 'poolsweep\[notebook\]'"):
        poolsweep.load_study(study).to_xarray()


def test_xarray_leaves_out_runs_on_files_that_were_replaced(make_study):
    study = make_study(poolings=["max"], seeds=[0]).parent / "edited"
    for run_id, started in (("a", "2026-05-02"), ("b", "2026-05-01")):
        metrics = {"test/accuracy": 0.125 if run_id == "a" else 0.5}
        of = {"data_id": run_id, "data_place": ["/d/animals.csv"]}
        write_run(
            study, pooling="cls", seed=0, run_id=run_id, started=started, metrics=metrics, predictions=False, **of
        )
    assert poolsweep.load_study(study).to_xarray()["test/accuracy"].values.flatten().tolist() == [0.125]


def test_swept_values_of_several_types_are_text(cli, make_study):
    study = make_study(poolings=["cls"], seeds=[0])
    for place, precision in enumerate([32, "bf16-mixed"]):
        config = {"trainer": {"precision": precision, "deterministic": precision == 32 or "warn"}}
        write_run(study, pooling="max", seed=place, config=config)
    assert cli("report", "study").status == 0
    found = pd.read_parquet(study / "report" / "runs.parquet")
    assert set(found["trainer.precision"].dropna()) >= {"32", "bf16-mixed"}
    assert set(found["trainer.deterministic"].dropna()) >= {"true", "warn"}


def test_an_unfinished_study_has_frames_all_the_same(outputs):
    (outputs / "s" / "a").mkdir(parents=True)
    (outputs / "s" / "a" / "status.json").write_text(json.dumps({"state": "running", "name": "x"}))
    study = poolsweep.load_study("s")
    assert study.runs["state"].tolist() == ["running"]
    assert study.predictions.empty
    assert study.curves.empty
    assert {"run_id", "label", "correct"} <= set(study.predictions.columns)


def test_a_study_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="there is no study nowhere"):
        poolsweep.load_study("nowhere")


def test_curves_that_are_damaged_lose_their_cells_only(make_study):
    study = make_study(poolings=["cls"], seeds=[0])
    [run] = poolsweep.load_study(study).records
    run.folder.metrics.write_text("step,epoch,val/accuracy\n1,0,0.5\n2,x,\n3\n")
    lines = read_curve(run)
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert np.isnan([lines[1]["epoch"], lines[1]["val/accuracy"], lines[2]["epoch"]]).all()
    run.folder.metrics.write_bytes(b"\xff\xfe\x00")
    assert read_curve(run) == []


def test_differences_leave_out_what_every_table_tells(make_study):
    study = make_study(poolings=["cls", "max"], seeds=[0, 1])
    records = poolsweep.load_study(study).records
    assert config_differences(records) == {record.folder.path.name: {} for record in records}
    one = write_run(study, pooling="cls", seed=7, config={"init_seed": 3, "pooling": {"a": 1}})
    records = poolsweep.load_study(study).records
    assert config_differences(records)[one.name] == {"init_seed": 3}


def test_frames_are_pandas(make_study):
    make_study(poolings=["cls"], seeds=[0])
    study = poolsweep.load_study("study")
    assert all(isinstance(frame, pd.DataFrame) for frame in (study.runs, study.predictions, study.curves))


def test_a_study_is_shown_as_a_short_table(make_study):
    make_study()
    study = poolsweep.load_study("study")
    shown, page = repr(study), study._repr_html_()
    assert shown.splitlines()[0] == "12 runs: 12 finished"
    assert len(shown.splitlines()) == 2 + len(study.leaderboard())
    assert all(name in shown and name in page for name in study.leaderboard()["pooling"])
    means = study.runs.groupby("pooling")["test/accuracy"].mean()
    best = study.leaderboard().iloc[0]
    assert best["test/accuracy"] == pytest.approx(means.max())
    assert best["low"] < best["test/accuracy"] < best["high"]


def test_a_leaderboard_has_the_differences_to_a_baseline_in_any_metric(make_study):
    make_study()
    study = poolsweep.load_study("study")
    table = study.leaderboard(metric="f1_macro", baseline="max").set_index("pooling")
    assert table["test/f1_macro"].is_monotonic_decreasing
    assert np.isnan(table.loc["max", "difference"])
    gap = table.loc["cls", "test/f1_macro"] - table.loc["max", "test/f1_macro"]
    assert table.loc["cls", "difference"] == pytest.approx(gap)
    assert table.loc["cls", "difference_low"] < gap < table.loc["cls", "difference_high"]
    for asked, problem in (({"metric": "acuracy"}, "metric acuracy"), ({"baseline": "maxx"}, "baseline maxx")):
        with pytest.raises(UserError, match=problem):
            study.leaderboard(**asked)


def test_what_a_package_offers_is_listed():
    assert {"load_study", "Study", "run_sweep", "load", "UserError"} <= set(dir(poolsweep))
    assert {"preset", "Pooling"} <= set(dir(poolsweep.pooling))

"""Grids that are joined, and points of a file."""

from __future__ import annotations

import json

import pytest

from poolsweep.runs.stored_config import read_config

FAST = ["encoder.frozen=true", "trainer.max_epochs=1"]


@pytest.fixture
def made(outputs):
    """What each run of a study read: pooling, encoder's layers, seed and maximum length."""

    def read(study: str = "default") -> list[tuple]:
        configs = [read_config(path.parent / "config.yaml") for path in outputs.glob(f"{study}/*/result.json")]
        results = [json.loads(path.read_text())["pooling"] for path in outputs.glob(f"{study}/*/result.json")]
        return sorted(
            (pooling, one["encoder"]["num_layers"], one["seed"], one["data"]["max_length"])
            for pooling, one in zip(results, configs, strict=True)
        )

    return read


def test_further_grids_take_over_what_is_fixed_and_make_each_run_once(cli, tiny_run, made):
    typed = [*tiny_run, *FAST, "data.max_length=32", "pooling=cls,max", "seed=0,1"]
    also = "sweep.also=['pooling=cls encoder.num_layers=3', 'pooling=max,masked_mean seed=1']"
    done = cli("train", "-m", *typed, also)
    assert done.status == 0, done.err
    assert "6 runs in" in done.err
    layers = next(count for _, count, *_ in made() if count != 3)
    assert made() == sorted(
        [(pooling, layers, seed, 32) for pooling in ("cls", "max") for seed in (0, 1)]
        + [("cls", 3, 0, 32), ("masked_mean", layers, 1, 32)]
    )
    assert "6 finished before" in cli("train", "-m", *typed, also).err
    status = cli("status", "default").out
    assert "6 finished" in status


def test_points_are_crossed_with_what_is_swept_and_win_over_what_is_fixed(cli, tiny_run, made, tmp_path):
    points = tmp_path / "points.yaml"
    points.write_text(
        "- pooling=cls data.max_length=16\n- {pooling: max, encoder: {num_layers: 3}}\n- pooling: 'masked_mean'\n"
    )
    typed = [*tiny_run, *FAST, "seed=0,1", "data.max_length=32"]
    done = cli("train", "-m", *typed, "sweep=points", f"sweep.file={points}")
    assert done.status == 0, done.err
    found = made()
    layers = next(count for _, count, *_ in found if count != 3)
    expected = [("cls", layers, 16), ("max", 3, 32), ("masked_mean", layers, 32)]
    assert found == sorted((*point[:2], seed, point[2]) for point in expected for seed in (0, 1))


def test_a_race_runs_over_points_and_joined_grids(cli, tiny_run, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.yaml").write_text("- pooling=cls\n- pooling=max\n")
    joined = ["sweep=race", "sweep.file=points.yaml", "sweep.also=['pooling=masked_mean seed=0,1']"]
    done = cli("train", "-m", *tiny_run, *FAST, "seed=0,1", *joined)
    assert done.status == 0, done.err
    assert [(pooling, seed) for pooling, _, seed, _ in made()] == [
        (pooling, seed) for pooling in ("cls", "masked_mean", "max") for seed in (0, 1)
    ]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (["sweep.file=nope.yaml"], "sweep.file=nope.yaml cannot be read: No such file or directory"),
        (["sweep=points"], "sweep.file=points.yaml cannot be read: No such file or directory"),
        (["sweep.also=[1]"], "sweep.also must be a list of grids, sweep.also=['pooling=cls seed=0,1'], got [1]"),
        (["sweep.also=['polling=cls']"], "sweep.also, grid 1: there is no key polling; did you mean pooling?"),
        (
            ["sweep.also=['pooling=cls','hydra.job.chdir=true']"],
            "sweep.also, grid 2: hydra.job.chdir is said once for a whole sweep, on the command line",
        ),
        (["sweep.alsi=[]"], "there is no key sweep.alsi; did you mean sweep.also?"),
        (["sweep.file=a,b"], "sweep.file takes one value for the whole sweep, not several"),
        (
            ["sweep=optuna", "sweep.also=['pooling=cls']"],
            "sweep.also and sweep.file join grids, and sweep=optuna searches one space: leave them out",
        ),
    ],
)
@pytest.mark.usefixtures("no_new_files")
def test_what_is_no_grid_is_refused_in_one_line(cli, tiny_run, typed, problem):
    done = cli("train", "-m", *tiny_run, *FAST, "pooling=cls,max", *typed)
    assert (done.status, done.problems) == (2, [problem])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("pooling: cls", "must hold a list of points, such as '- pooling=cls optimizer.lr=1e-3'"),
        ("[", "is no YAML: "),
        ("- pooling=cls\n- 7", ", point 2 must be overrides, 'pooling=cls seed=0', or KEY: VALUE pairs, got 7"),
        ("- {data.max_lenth: 3}", ", point 1: there is no key data.max_lenth; did you mean data.max_length?"),
        ("- {hydra: {job: {chdir: true}}}", ", point 1: hydra.job.chdir is said once for a whole sweep"),
        ("- pooling='cls", ", point 1: pooling='cls cannot be parted into overrides: No closing quotation"),
    ],
)
def test_a_file_of_no_points_is_refused_with_its_place(cli, tiny_run, tmp_path, outputs, content, problem):
    path = tmp_path / "points.yaml"
    path.write_text(content)
    done = cli("train", "-m", *tiny_run, *FAST, f"sweep.file={path}")
    assert (done.status, len(done.problems)) == (2, 1)
    assert done.problems[0].startswith((f"sweep.file={path}", str(path)))
    assert problem in done.problems[0]
    assert not outputs.exists()


def test_a_single_run_takes_no_grid(cli, tiny_run):
    done = cli("train", *tiny_run, "sweep.also=['pooling=cls']")
    assert (done.status, done.problems) == (
        2, ["sweep.also and sweep.file say which runs a sweep makes: poolsweep train -m …"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "folds"),
    [
        (["data.folds=3"], {("cls", 0), ("cls", 1), ("cls", 2)}),
        (["data.folds=3", "data.fold=1,2"], {("cls", 1), ("cls", 2)}),
        (
            ["data.folds=2", "sweep.also=['pooling=max', 'pooling=masked_mean data.fold=1']"],
            {("cls", 0), ("cls", 1), ("max", 0), ("max", 1), ("masked_mean", 1)},
        ),
    ],
)
def test_folds_are_those_of_every_grid_unless_they_are_chosen(cli, tiny_run, outputs, typed, folds):
    done = cli("train", "-m", *tiny_run, *FAST, "pooling=cls", *typed)
    assert done.status == 0, done.err
    results = [json.loads(path.read_text()) for path in outputs.glob("default/*/result.json")]
    assert {(result["pooling"], result["split"]["fold"]) for result in results} == folds

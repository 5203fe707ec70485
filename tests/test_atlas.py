"""The atlas: its findings follow from its tables, its page shows them, and its commands compose."""

import importlib
import math
import sys

import pytest
from checkout import ROOT
from hydra import compose, initialize_config_dir
from scipy import stats

from poolsweep.conf_dir import conf_dir
from poolsweep.recommend import read_rules

FOLDER = ROOT / "experiments" / "atlas"
MODULES = ("sets", "parts", "lengths", "winners", "collect", "findings", "page")


@pytest.fixture(scope="module")
def atlas():
    """Name → module of the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        for name in MODULES:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in MODULES}
        for name in MODULES:
            del sys.modules[name]


def test_findings_follow_from_the_differences(atlas):
    lines = [dict(zip(atlas["findings"].HEAD, map(str, line), strict=True)) for line in atlas["findings"].findings()]
    assert lines == atlas["collect"].read("findings.csv"), "python experiments/atlas/page.py"
    assert any(line["low"] for line in lines), "premise: something was measured"


def test_each_sign_is_that_of_the_interval(atlas):
    table = atlas["collect"].read("differences.csv")
    for line in atlas["collect"].read("findings.csv"):
        sets = line["of"].split()
        own = [
            one for one in table if one["data"] in sets and one["part"] == line["part"] and one["rows"] == line["rows"]
        ]
        signs = {(line["contender"], line["other"]): 1, (line["other"], line["contender"]): -1}
        values = [
            signs[one["contender"], one["other"]] * float(one["value"]) for one in own
            if (one["contender"], one["other"]) in signs and one["metric"] != "f1_macro"
        ]  # fmt: skip
        assert len(values) == int(line["sets"]) == len(sets)
        if not line["low"]:
            assert line["verdict"] == "not measured"
            continue
        low, high = float(line["low"]), float(line["high"])
        assert float(line["value"]) == pytest.approx(math.fsum(values) / len(values), abs=0.006)
        if len(values) > 1:
            half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
            assert high - low == pytest.approx(2 * half, abs=0.011)
        sign = "+" if low > 0 else "−" if high < 0 else "0"
        told = {"0": "not told apart", line["expected"]: "same sign"}.get(sign, "other sign")
        assert line["verdict"] == (f"sign {sign}" if line["expected"] == "?" and sign != "0" else told)


def test_a_mean_over_sets_has_the_interval_of_students_t(atlas):
    value, low, high = atlas["findings"].combined([(1.0, 0.5, 1.5), (2.0, 1.0, 3.0), (6.0, 5.0, 7.0)])
    assert value == pytest.approx(3.0)
    half = 4.302653 * math.sqrt(7 / 3)
    assert (low, high) == pytest.approx((3 - half, 3 + half))
    assert atlas["findings"].combined([(1.0, 0.5, 1.5)]) == (1.0, 0.5, 1.5)
    assert atlas["findings"].combined([]) == (None, None, None)


def test_rules_stand_on_findings(atlas):
    assert atlas["findings"].evidence(atlas["collect"].read("findings.csv")) == read_rules()
    known = {finding.name: finding for finding in atlas["findings"].FINDINGS}
    for rule in read_rules():
        if rule["finding"]:
            found = known[rule["finding"]]
            assert (found.contender, found.other) == (rule["contender"], rule["other"])


def test_the_page_shows_the_tables(atlas):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    blocks = atlas["page"].blocks(atlas["collect"].read("scores.csv"), atlas["collect"].read("findings.csv"))
    for name, content in blocks.items():
        assert f"<!-- {name} -->\n{content}<!-- end -->" in page, f"{name}: python experiments/atlas/page.py"


def test_every_command_composes(atlas, tmp_path):
    composed = {}
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for step in atlas["parts"].steps():
            _, _, _, _, experiment, *typed = step.command(tmp_path, documents=tmp_path)
            if experiment not in composed:
                search = f"hydra.searchpath=[file://{FOLDER / 'conf'}]"
                fixed = [one for one in typed if "," not in one]
                composed[experiment] = compose("train", [search, experiment, *fixed], return_hydra_config=True)
    assert len(composed) == len([*(FOLDER / "conf" / "experiment").glob("*.yaml")])
    presets = {path.stem for folder in (conf_dir(), FOLDER / "conf") for path in (folder / "pooling").glob("*.yaml")}
    for name, config in composed.items():
        swept = config.hydra.sweeper.params.get("pooling", "").replace(" ", "").split(",")
        assert set(filter(None, swept)) <= presets, name


def test_a_study_is_one_command_with_all_its_replicates(atlas):
    steps = [*atlas["parts"].steps()]
    assert len({step.study for step in steps}) == len(steps)
    for step in steps:
        if step.experiment == "fine_tuned":
            assert "seed=0,1,2" in step.overrides


def test_results_of_studies_whose_runs_are_gone_stay(atlas, monkeypatch, tmp_path):
    collect = atlas["collect"]
    monkeypatch.setattr(collect, "RESULTS", tmp_path)
    head = ("part", "study", "mean")
    collect.merge("scores.csv", head, [("A", "first", 1), ("A", "first", 2), ("A", "second", 3)])
    collect.merge("scores.csv", head, [("A", "second", 4), ("F", "third", 5)])
    assert [(one["study"], one["mean"]) for one in collect.read("scores.csv")] == [
        ("first", "1"), ("first", "2"), ("second", "4"), ("third", "5"),
    ]  # fmt: skip


def test_files_that_differ_are_named(atlas, tmp_path):
    sets = atlas["sets"].data_sets()
    (tmp_path / "trec6").mkdir()
    (tmp_path / "trec6" / "train.csv").write_text("text,label\nother,DESC\n")
    problems = sets["trec6"].problems(tmp_path)
    assert [problem.partition(" ")[2].split(" ", 1)[1] for problem in problems][1:] == ["is missing"]
    assert f"was {sets['trec6'].sha256['train'][:12]}…" in problems[0]


def test_how_often_the_winner_changes_is_counted_by_set(atlas):
    cells = [
        ("a", "splits", "accuracy", "cls", 7), ("a", "splits", "mcc", "max", 5), ("a", "folds", "accuracy", "cls", 6),
        ("a", "folds", "mcc", "cls", 10), ("b", "splits", "accuracy", "cls", 4),
    ]  # fmt: skip
    names = ("data", "division", "metric", "winner", "first_on")
    lines = [dict(zip(names, map(str, cell), strict=True)) | {"splits": "10"} for cell in cells]
    told = atlas["winners"].sentence(lines)
    assert "with the metric in 1 of 2 cases" in told
    assert "between split seeds and folds in 1 of 2" in told
    assert "in 64% of cases" in told


def test_differences_by_length_are_means_over_sets(atlas):
    scores = {("a", "cls"): 50.0, ("a", "masked_mean"): 54.0, ("b", "cls"): 60.0, ("b", "masked_mean"): 61.0}
    lines = [
        {"data": data, "contender": name, "low": "1", "texts": "50", "right": str(value)}
        for (data, name), value in scores.items()
    ]
    half = stats.t.ppf(0.975, 1) * stats.sem([4, 1])
    shown = f"| 1 to 10 | 2 | +2.5 (−{half - 2.5:.1f} to {half + 2.5:.1f}) | – | – | – |"
    assert shown in atlas["lengths"].table(lines, ("a", "b"))
    few = [line | {"texts": "49"} for line in lines]
    assert "1 to 10" not in atlas["lengths"].table(few, ("a", "b"))

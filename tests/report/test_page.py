"""The page as text; tests/system drives it in a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from studies import write_run, write_study

from poolsweep.report.command import write_report
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs

VOID = {"meta", "input", "br", "link", "img"}


def write_page(folder: Path, *studies: Path) -> str:
    runs = load_runs(studies)
    page = write_report(compare_all(runs), runs, folder=folder, heading="a study", with_texts=False)
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """Of two data sets, and a learning rate that differs in one run."""
    folder = tmp_path_factory.mktemp("page")
    same = {"optimizer": {"lr": 0.1}, "same": 1}
    study = write_study(folder / "s", data=("animals", "birds"), seeds=[0, 1], num_texts=60, config=same)
    write_run(study, pooling="cls", seed=9, num_texts=60, config=same | {"optimizer": {"lr": 0.2}})
    return write_page(folder / "report", study)


class Reader(HTMLParser):
    """Collects ids, references and tags, and fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        for name in ("href", "src", "xlink:href", "action", "srcset", "poster", "data"):
            value = found.get(name)
            if value:
                (self.references if value.startswith("#") else self.outside).append(value)
        self.references += [f"#{found[name]}" for name in ("for", "aria-labelledby") if name in found]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_it_is_well_formed_and_loads_nothing(page):
    reader = read(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.references
    assert {r.removeprefix("#") for r in reader.references} <= set(reader.ids)
    assert reader.outside == []
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    assert "@import" not in page
    assert "url(http" not in page


def test_the_policy_admits_its_one_script_alone(page):
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    policy = html.unescape(policy)
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"<[^>]* on\w+=", page), "no handlers in attributes"


def test_every_part_is_there(page):
    for heading in ("Leaderboard", "Every seed", "Which differences hold up?", "Validation by epoch",
                    "Cost against score",
                    "Confusion: the best and the baseline", "Calibration", "Texts in dispute", "All runs",
                    "Over data sets", "LaTeX", "Markdown"):  # fmt: skip
        assert f">{heading}<" in page, heading
    assert 'aria-label="Mean ranks over data sets' in page


def test_hostile_names_are_text(tmp_path):
    names = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style></script>x{{ 7 * 7 }}")
    study = tmp_path / "s"
    for pooling in ("cls", names[0]):
        for seed in (0, 1):
            write_run(study, pooling=pooling, seed=seed, labels=(*names, "owl"), data=names[1], encoder=names[2],
                      num_texts=40, config={names[0]: {names[1]: f"{names[2]}{seed}{pooling}"}},
                      git_commit=names[1])  # fmt: skip
    write_run(study, pooling="max", seed=0, data=names[1], encoder=names[2], status="failed", reason=names[0])
    text = write_page(tmp_path / "report", study)
    for name in names:
        assert name not in text
        assert html.escape(name, quote=False) in text.replace("&#34;", '"').replace("&quot;", '"')
    assert read(text).outside == []
    assert (text.count("<script>"), text.count("<style>")) == (1, 1)


def test_config_differences_are_columns_and_what_all_share_is_not(page):
    runs = page.split('id="all-runs"')[1]
    assert ">optimizer.lr</th>" in runs
    assert ">same</th>" not in runs
    assert ">0.2</td>" in runs

"""Pages of made-up studies, and a real browser to look at them with."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from studies import PRESETS, write_run, write_study

from poolsweep.report.command import write_report
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs

HOSTILE = ("<script>hacked()</script>", '"><img src=x onerror=hacked()>', "</style></svg>&amp;<b>x")
FAILED = "CUDA out of memory: <b>tried</b> to allocate"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; without one the test is skipped, but in CI it fails."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        told = "no Chromium: apt-get install chromium (make test-system does it when run as root)"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page per kind of study."""
    root = tmp_path_factory.mktemp("studies")
    three = write_study(root / "three", data=("animals", "birds", "stones"), num_texts=120, cut=20)
    write_run(three, pooling="elmo", seed=0, data="birds", status="failed", reason=FAILED, num_texts=120)
    one_seed = write_study(root / "one-seed", seeds=[0], num_texts=120)
    twenty = write_study(root / "twenty", poolings=PRESETS, seeds=[0, 1], num_texts=120)
    return {study.name: _page(study) for study in (three, one_seed, twenty, _hostile(root / "hostile"))}


def _hostile(study: Path) -> Path:
    """Names, labels, reasons and texts that would be markup if they were let."""
    for pooling in ("cls", HOSTILE[0], HOSTILE[1]):
        for seed in (0, 1):
            folder = write_run(study, pooling=pooling, seed=seed, data=HOSTILE[1], labels=HOSTILE, num_texts=60)
            source = study.parent / "texts.csv"
            labels = pq.read_table(folder / "predictions-test.parquet").column("label").to_pylist()
            with source.open("w", newline="", encoding="utf-8") as file:
                rows = [(f"{HOSTILE[i % 3]} text {i}", label) for i, label in enumerate(labels)]
                csv.writer(file).writerows([("text", "label"), *rows])
            data = {"_target_": "poolsweep.data.sources.files.Files", "train": str(source), "test": str(source)}
            (folder / "config.yaml").write_text(yaml.safe_dump({"data": data, HOSTILE[2]: f"{HOSTILE[0]} {seed}"}))
    write_run(study, pooling=HOSTILE[2], seed=0, data=HOSTILE[1], status="failed", reason=HOSTILE[0], num_texts=60)
    return study


def _page(study: Path) -> Path:
    runs = load_runs([study])
    return write_report(compare_all(runs), runs, folder=study / "report", heading=study.name, with_texts=True)


@pytest.fixture
def visit(browser: Any, pages: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Open a page; when the test ends, nothing may have been asked for, and nothing complained of."""
    opened, asked, complaints = [], [], []

    def go(name: str, *, width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(pages[name].as_uri())
        return page

    yield go
    for context in opened:
        context.close()
    assert asked, "premise: requests are seen"
    assert [url for url in asked if not url.endswith("/report/report.html")] == [], "a request that is not the page"
    assert complaints == []

"""Pages of folds, of split seeds, of numbers of training rows, and of two encoders, in headless Chromium."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from studies import write_run

from poolsweep.report.command import write_report
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page per kind of study."""
    root = tmp_path_factory.mktemp("studies")
    poolings = ("cls", "max", "masked_mean")
    for place, pooling in enumerate(poolings):
        shared: dict[str, Any] = {"pooling": pooling, "skill": 0.6 + 0.05 * place, "num_texts": 80}
        for fold in range(5):
            told = {"seed": 0, "fold": fold, "folds": 5}
            write_run(root / "folds", seed=0, split=fold + 1, facts_of_split=told, **shared)
        for split in range(6):
            write_run(root / "drawn", seed=0, split=split, **shared)
        for rows, seed in itertools.product((50, 200, None), range(3)):
            asked = {"train_rows": rows, "rows_per_label": None}
            sizes = {"train": rows or 800, "validation": 100, "test": 80}
            write_run(root / "curve", seed=seed, rows_asked=asked, sizes=sizes, **shared)
        for encoder, seed in itertools.product(("small", "large"), range(3)):
            write_run(root / "encoders", seed=seed, encoder=encoder, **shared)
    found = {}
    for name in ("folds", "drawn", "curve", "encoders"):
        runs = load_runs([root / name])
        found[name] = write_report(
            compare_all(runs), runs, folder=root / name / "report", heading=name, with_texts=False
        )
    return found


@pytest.mark.parametrize(
    ("kind", "said", "rows"),
    [
        ("folds", "each text was tested once, by a model that did not train on it", 3),
        ("drawn", "each split drew its own test texts", 3),
        ("curve", "Fewer training rows", 3),
        ("encoders", "Does the best pooling depend on the encoder?", 6),
    ],
)
def test_splits_sizes_and_encoders_have_a_page_each(visit, kind: str, said: str, rows: int):
    page = visit(kind)
    assert page.get_by_text(said).first.is_visible()
    assert page.locator("table.leaders").first.locator("tbody tr").count() == rows
    assert page.locator("table.leaders").first.locator("tbody small").first.is_visible(), "there is an interval"
    for details in page.locator("details").all():
        details.locator("summary").first.click()
    assert not Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]


def test_the_page_of_a_learning_curve_leads_with_all_rows(visit):
    page = visit("curve")
    assert page.locator("table.leaders").first.is_visible()
    smaller = page.locator("details", has_text="200 training rows").first
    assert not smaller.locator("table.leaders").is_visible(), "it is folded away"
    smaller.locator("summary").first.click()
    assert smaller.locator("table.leaders").first.is_visible()


def test_the_heat_map_has_a_cell_for_each_pair(visit):
    figure = visit("encoders").locator("section", has_text="Encoders by poolings").locator("svg").first
    texts = figure.text_content()
    assert all(name in texts for name in ("small", "large", "cls", "max", "masked_mean"))

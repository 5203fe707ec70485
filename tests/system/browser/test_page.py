"""The report's page in real headless Chromium; every visit also checks that nothing is requested or complained of."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from studies import PRESETS

from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs

pytestmark = pytest.mark.browser

HOSTILE = ("<script>hacked()</script>", '"><img src=x onerror=hacked()>', "</style></svg>&amp;<b>x")
KINDS = ("three", "one-seed", "twenty", "hostile")
DARK, LIGHT = "rgb(15, 19, 23)", "rgb(244, 246, 248)"


def words(page) -> str:
    """All text of the page, shown or not, that of figures too."""
    return re.sub(r"\s+", " ", page.locator("body").text_content())


def column(table, place: int) -> list[str]:
    return [row.locator("th, td").nth(place).text_content().strip() for row in table.locator("tbody tr").all()]


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_text_is_present(visit, pages, kind: str, script: bool):
    page = visit(kind, java_script_enabled=script)
    runs = load_runs([pages[kind].parent.parent])
    text = words(page)
    for run in runs:
        assert run.path.name in text
        assert re.sub(r"\s+", " ", run.facts["pooling"]) in text
        assert (run.facts.get("reason") or "") in text
    for comparison in compare_all(runs):
        for name in comparison.names:
            assert f"{100 * comparison.summaries[name].mean:.2f}" in text
    pairs = "Which differences hold up?"
    for part in ("Leaderboard", "Every seed", pairs, "Cost against score", "Validation by epoch", "Confusion",
                 "Calibration", "All runs", "LaTeX"):  # fmt: skip
        assert page.get_by_text(part).first.count() == (part != pairs or kind != "one-seed"), part
    assert page.locator("svg text").count() > 20, "figures keep their text"
    assert page.locator("table tbody tr").count() > len(runs)


def test_without_javascript_there_are_no_dead_controls(visit):
    page = visit("three", java_script_enabled=False)
    assert page.locator("thead button, input[type=search]").count() == 0
    page.get_by_text("birds", exact=True).first.click()
    assert page.locator(".panel:visible").count() == 1, "the switch needs no script"


def test_sorting_by_mouse_and_keyboard(visit):
    page = visit("twenty")
    table = page.locator("table.leaders")
    assert table.locator("tbody tr").count() == 20
    scores = [float(cell.split()[0]) for cell in column(table, 1)]
    assert scores == sorted(scores, reverse=True), "premise: best first"
    button = table.get_by_role("button", name="accuracy in %")
    button.click()
    assert [float(cell.split()[0]) for cell in column(table, 1)] == sorted(scores)
    head = table.locator("th", has=page.get_by_role("button", name="accuracy in %"))
    assert head.get_attribute("aria-sort") == "ascending"
    button.focus()
    page.keyboard.press("Enter")
    assert [float(cell.split()[0]) for cell in column(table, 1)] == sorted(scores, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    names = table.get_by_role("button", name="pooling")
    names.press("Space")
    told = [row.get_attribute("data-value") for row in table.locator("tbody th").all()]
    assert told == sorted(PRESETS, key=lambda name: name.replace("_", " ")), "a tag beside a name is no part of it"
    assert table.locator("[aria-sort]").count() == 1


def test_empty_cells_stay_last_whichever_way(visit):
    page = visit("twenty")
    table = page.locator("table.leaders")
    button = table.get_by_role("button", name="adjusted p").first
    for _ in range(2):
        button.click()
        assert "cls" in column(table, 0)[-1], "the baseline has no p-value"


def test_filtering_runs(visit):
    page = visit("three")
    field = page.get_by_label("Filter runs")
    table = page.locator("table", has=page.get_by_role("button", name="run id"))
    everything = table.locator("tbody tr").count()
    assert everything == 37
    field.fill("BIRDS cls")
    assert table.locator("tbody tr:visible").count() == 3
    assert page.get_by_role("status").filter(has_text="3 of 37").count() == 1
    field.fill("out of memory")
    assert table.locator("tbody tr:visible").count() == 1
    field.fill("")
    assert table.locator("tbody tr:visible").count() == everything


def test_data_sets_are_switched_by_mouse_and_keyboard(visit):
    page = visit("three")
    panels = page.locator(".panel")
    assert panels.count() == 3

    def shown() -> list[str]:
        return [panel.get_attribute("aria-label") for panel in panels.all() if panel.is_visible()]

    assert shown() == ["animals"]
    page.locator(".switch label", has_text="stones").click()
    assert shown() == ["stones"]
    page.keyboard.press("ArrowLeft")
    assert shown() == ["birds"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert shown() == ["animals"], "round the end"
    outline = page.locator(".switch input:checked + label").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid", "the focus can be seen"


def test_the_keyboard_reaches_every_control(visit):
    page = visit("one-seed")
    page.keyboard.press("Tab")
    assert page.locator(".skip").evaluate("e => e === document.activeElement")
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
    assert {"A", "BUTTON", "INPUT", "SUMMARY", "DIV"} <= seen


def test_dark_and_light_follow_the_system(visit):
    for scheme, background in (("light", LIGHT), ("dark", DARK)):
        page = visit("three", color_scheme=scheme)
        assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == background
        ink = page.locator("body").evaluate("e => getComputedStyle(e).color")
        fills = page.locator("svg text").evaluate_all("all => all.map(e => getComputedStyle(e).fill)")
        assert ink in fills, "figures take the page's colours"
        black = "rgb(0, 0, 0)"
        assert black not in fills


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_scrolls_down_only(visit, kind: str):
    page = visit(kind, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("table.leaders tbody td").first.bounding_box()["x"] < 300, "numbers are seen beside the names"


@pytest.mark.parametrize("kind", ["three", "twenty"])
def test_a_phone_shows_legible_charts_whose_names_stay_in_view(visit, kind: str):
    page = visit(kind, width=390)
    sizes = page.eval_on_selector_all(
        ".chart:visible svg[role=img] text",
        "found => found.map(t => t.getBoundingClientRect()).filter(r => r.width > r.height).map(r => r.height)",
    )
    assert min(sizes) > 7
    charts = page.locator("#d0-seeds + figure .scroll")
    charts.evaluate("box => box.scrollLeft = 200")
    names, box = charts.locator("svg.names").bounding_box(), charts.bounding_box()
    assert charts.evaluate("box => box.scrollLeft") == 200, "premise: the chart is wider than the screen"
    assert abs(names["x"] - box["x"]) < 1
    assert 40 < names["width"] < 0.5 * box["width"]


def test_print_has_every_data_set_and_nothing_to_click(visit):
    page = visit("three", color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator(".panel:visible").count() == 3
    assert page.locator("nav:visible, .switch:visible, .bar:visible").count() == 0
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    clipped = page.locator(".scroll").evaluate_all("all => all.filter(e => getComputedStyle(e).overflow !== 'visible')")
    assert clipped == []
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_hostile_names_are_shown_as_text(visit):
    page = visit("hostile")
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, embed, link, svg script, foreignObject").count() == 0
    assert page.evaluate("typeof window.hacked") == "undefined"
    heads = column(page.locator("table.leaders"), 0)
    for name in HOSTILE[:2]:
        assert any(head.startswith(name) for head in heads), name
    text = words(page)
    for name in HOSTILE:
        assert f"{name} text" in text, "in texts"
        assert f"{name} ✓" in text or f"{name}: " in text, "as labels"
    assert HOSTILE[2] in page.locator("#all-runs ~ div thead").text_content(), "as the name of a config value"
    assert "hacked()" in page.locator("svg").first.text_content()


def test_one_seed_and_a_failed_run_are_said(visit):
    page = visit("one-seed")
    assert "One seed says nothing of what another would give" in page.locator(".cautions").first.text_content()
    page = visit("three")
    assert "1 of 37 runs has no result (1 failed" in page.locator("header .cautions").text_content()
    assert "CUDA out of memory: <b>tried</b> to allocate" in page.locator("#all-runs ~ div tbody").text_content()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("three", {}), ("three", {"color_scheme": "dark"}), ("three", {"width": 390}), ("one-seed", {}), ("twenty", {}),
     ("hostile", {"color_scheme": "dark", "width": 390})],
    ids=["light", "dark", "phone", "one seed", "twenty", "hostile"],
)  # fmt: skip
def test_axe_finds_nothing_serious(visit, kind: str, options: dict):
    page = visit(kind, **options)
    page.locator("details").evaluate_all("all => all.forEach(e => { e.open = true })")
    found = Axe().run(page).response["violations"]
    serious = [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_one_file_of_a_modest_size(pages, kind: str):
    assert pages[kind].stat().st_size < 1_500_000

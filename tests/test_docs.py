"""The pages that people read: their links lead somewhere, and the index names every page."""

import re
import tomllib
from collections.abc import Iterator

import pytest
import torch
from checkout import CONTRIBUTING, README, ROOT

from poolsweep.pooling.presets import load_preset

PAGES = [
    README,
    CONTRIBUTING,
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "experiments").rglob("README.md")),
]
INDEX = ROOT / "docs" / "index.md"
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(#[^)\s]+)?\)")


def _anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_is_dead(page) -> None:
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        path = page.parent / target
        assert path.exists(), f"{page.name} leads to {target}"
        if anchor:
            assert anchor in _anchors(path.read_text(encoding="utf-8")), f"{page.name} leads to {target}{anchor}"


def test_the_index_names_every_page() -> None:
    named = {target for target, _ in _LINK.findall(INDEX.read_text(encoding="utf-8"))}
    assert {page.name for page in INDEX.parent.glob("*.md")} - {"index.md"} <= named


@pytest.mark.parametrize(
    "term",
    [
        "csv", "class weights", "resuming", "learning rate for the head", "several labels", "model's folder", "GPU 2",
        "Slurm account", "predicting", "exporting to sentence-transformers", "comparing encoders", "k-fold",
        "figures and tables for a paper", "citing", "adding one", '"race"', "interval means", "where results lie",
        "cleaning the feature store",
    ],
)  # fmt: skip
def test_what_people_look_for_is_in_the_index(term: str) -> None:
    rows = re.findall(r"(?m)^\| (.+?) \| (.+?) \|$", INDEX.read_text(encoding="utf-8"))
    [page] = [page for asked, page in rows if term in asked]
    assert _LINK.search(page), f"{term} has no page"


def test_readme_is_read_in_two_minutes() -> None:
    assert len(README.read_bytes()) <= 8 * 1024


def test_every_key_of_a_config_is_explained(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / ".ci" / "site"))
    from config_keys import options_of_conf  # the reference of the site is made of it

    found = [key for option in options_of_conf() for key in option.keys]
    assert len(found) > 150, "premise"
    assert [key.path for key in found if not key.meaning] == []
    assert {"optimizer.lr", "data.split_seed", "encoder.packing", "checkpoint.every_minutes"} <= {k.path for k in found}


def test_pictures_show_what_poolings_read(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / ".ci" / "site"))
    from pictures import NUM_LAYERS, picture, reads

    cls = reads(load_preset("cls"))
    assert cls.fixed
    assert cls.weights.nonzero().tolist() == [[NUM_LAYERS, 0]]
    by_place = reads(load_preset("sgpt"))  # the weight of token t of 7 is t; the text is padded
    assert by_place.names[6:] == ("sep", "pad", "pad")
    torch.testing.assert_close(by_place.weights[NUM_LAYERS] * 28, torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 0, 0]))
    largest = reads(load_preset("max_cls"))
    assert not largest.fixed, "which layer has the largest value depends on the text"
    assert largest.weights.nonzero().tolist() == [[layer, 0] for layer in (4, 5, 6)]
    prompt = reads(load_preset("promptbert"))
    assert [prompt.names[place] for _, place in prompt.weights.nonzero().tolist()] == ["mask"]
    svg, told = picture(load_preset("first_last_mean"))
    assert told == "It reads layers 1 and 6 of 6, at cls n e v e r sep, with fixed weights"
    assert svg.count("M") == 7 * 9 + 2 * 7, "a square per state, and one over each that is read"


def test_the_drawing_of_the_floors_is_that_of_pyproject(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / ".ci" / "site"))
    from floors import PLACE, drawing

    assert PLACE.read_text(encoding="utf-8") == drawing(), "python .ci/site/floors.py draws it anew"


def _pages(part: object) -> Iterator[str]:
    """Pages of a part of the navigation, however deep."""
    if isinstance(part, str):
        yield part
    else:
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _pages(inner)


def test_the_site_has_a_place_for_every_page() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    placed = set(_pages(nav))
    assert {f"docs/{page.name}" for page in INDEX.parent.glob("*.md")} <= placed

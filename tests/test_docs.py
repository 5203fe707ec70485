"""The pages that people read: their links lead somewhere, and the index names every page."""

import re
import tomllib

import pytest
import yaml
from checkout import CONTRIBUTING, README, ROOT

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


def test_the_version_is_said_once() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == version


def test_every_key_of_a_config_is_explained(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / ".ci" / "site"))
    from config_keys import options_of_conf  # the reference of the site is made of it

    found = [key for option in options_of_conf() for key in option.keys]
    assert len(found) > 150, "premise"
    assert [key.path for key in found if not key.meaning] == []
    assert {"optimizer.lr", "data.split_seed", "encoder.packing", "checkpoint.every_minutes"} <= {k.path for k in found}


def test_the_site_has_a_place_for_every_page() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    placed = {page for section in nav for pages in section.values() for page in pages}
    assert {f"docs/{page.name}" for page in INDEX.parent.glob("*.md")} <= placed

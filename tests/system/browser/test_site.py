"""The documentation's site, read and searched from disk."""

import re
import subprocess
import sys

import pytest
from checkout import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def site():
    """The site, built strictly."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "site" / "build.py"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build" / "site"


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_loaded_from_elsewhere_and_search_finds(browser, site, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light")
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "docs" / "results.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type("feature store")
    dialog = page.locator("dialog[aria-label=Search]")
    dialog.get_by_text(re.compile(r"\d+ results")).wait_for(timeout=20_000)
    assert "What a lab should set" in dialog.text_content(), "the page on Slurm has a section that speaks of it"
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page does not scroll sideways"
    assert asked, "premise"
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    context.close()

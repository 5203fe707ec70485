"""Builds the documentation's site: make docs

Copies the pages of the checkout as they link to one another, and adds a reference made from the code. Zensical makes a
site of them that is read and searched from disk, without a network. A warning is an error.

    python .ci/site/build.py            # into build/site
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pages

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
SOURCE, SITE = ROOT / "build" / "docs", ROOT / "build" / "site"
REFERENCE = {
    "commands": pages.commands,
    "config": pages.config_keys,
    "poolings": pages.poolings,
    "python": pages.python,
}
_COPIED = ("docs", "experiments", "examples")
_SUFFIXES = {".md", ".png", ".svg", ".csv"}
_AT_ROOT = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "CITATION.cff")
_SHIM = "https://unpkg.com/iframe-worker/shim"  # what Zensical's offline plugin loads
_LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]* src=[\"']?(https?:[^\"' >]+)|<link[^>]* href=[\"']?(https?:[^\"' >]+)"
)
_LINK = re.compile(r"(\]\()((?!https?:)[^)#\s]+)((?:#[^)\s]+)?\))")


def main() -> int:
    """Collect the pages and build; returns the builder's status."""
    shutil.rmtree(ROOT / "build" / "docs", ignore_errors=True)
    for page in _pages():
        target = SOURCE / _place(page)
        target.parent.mkdir(parents=True, exist_ok=True)
        if page.suffix == ".md":
            target.write_text(_linked(page), encoding="utf-8")
        else:
            shutil.copyfile(page, target)
    for name, make in REFERENCE.items():
        target = SOURCE / "docs" / "reference" / f"{name}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(make(), encoding="utf-8")
    drawn = SOURCE / "docs" / "reference" / "pictures"
    drawn.mkdir()
    for name, svg in pages.pictures():
        (drawn / f"{name}.svg").write_text(svg, encoding="utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    (SOURCE / "assets").mkdir()
    shutil.copyfile(HERE / "extra.css", SOURCE / "assets" / "extra.css")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", ROOT / "zensical.toml"]
    status = subprocess.run(command, check=False, cwd=ROOT).returncode
    return status or _without_network()


def _without_network() -> int:
    """Have the site load nothing from elsewhere; returns 1 if a page still does."""
    shutil.copyfile(HERE / "iframe-worker.js", SITE / "assets" / "iframe-worker.js")
    status = 0
    for page in SITE.rglob("*.html"):
        up = "../" * (len(page.relative_to(SITE).parts) - 1)
        text = page.read_text(encoding="utf-8").replace(_SHIM, f"{up}assets/iframe-worker.js")
        page.write_text(text, encoding="utf-8")
        for found in _LOADED.findall(text):
            print(f"{page.relative_to(ROOT)} loads {found}", file=sys.stderr)
            status = 1
    return status


def _pages() -> list[Path]:
    found = [ROOT / "README.md", *(ROOT / name for name in _AT_ROOT)]
    for folder in _COPIED:
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix in _SUFFIXES]
    return found


def _place(page: Path) -> Path:
    """Where a page stands in the site: as in the checkout, but that README is the first page."""
    relative = page.relative_to(ROOT)
    return Path("index.md") if relative == Path("README.md") else relative


def _linked(page: Path) -> str:
    """A page whose links lead to pages of the site: those to a folder to its README, those to code to nothing."""

    def target(match: re.Match[str]) -> str:
        path = (page.parent / match[2]).resolve()
        if path == ROOT / "README.md":
            return f"{match[1]}{match[2].removesuffix('README.md')}index.md{match[3]}"
        if path.is_dir() and (path / "README.md").is_file():
            return f"{match[1]}{match[2].rstrip('/')}/README.md{match[3]}"
        return match[0]

    return _LINK.sub(target, page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    raise SystemExit(main())

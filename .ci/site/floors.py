"""The drawing of the floors, made of the order of imports that pyproject.toml states: python .ci/site/floors.py"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "floors.svg"
_WIDTH, _ROW, _GAP, _LETTER = 720, 34, 8, 7.6
_STYLE = """<style>
rect{fill:#1565c014;stroke:#1565c0}text{font:13px system-ui,sans-serif;fill:#222}.q{fill:#666;font-size:12px}
@media(prefers-color-scheme:dark){rect{fill:#64b5f622;stroke:#64b5f6}text{fill:#ddd}.q{fill:#aaa}}
</style>"""


def floors() -> list[str]:
    """Parts of poolsweep, from the top floor to the lowest."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [found] = [contract["layers"] for contract in contracts if contract["name"] == "Floors of poolsweep"]
    return found


def drawing() -> str:
    """An SVG: each part in a box, read like a page."""
    rows = list(_rows(floors()))
    height = _ROW * len(rows) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img"><title>Parts of poolsweep in their order of imports</title>{_STYLE}',
        '<text class="q" x="0" y="14">what a user types</text>',
    ]
    for number, row in enumerate(rows):
        x, y = 0.0, 22 + _ROW * number
        for name in row:
            parts.append(
                f'<rect x="{x + 0.5:.1f}" y="{y}.5" width="{_width(name):.1f}" height="{_ROW - _GAP}" rx="4"/>'
            )
            parts.append(f'<text x="{x + _width(name) / 2:.1f}" y="{y + 18}" text-anchor="middle">{name}</text>')
            x += _width(name) + _GAP
    return "".join([*parts, "</svg>"]) + "\n"


def _rows(names: list[str]) -> Iterator[list[str]]:
    row: list[str] = []
    for name in names:
        if sum(_width(one) + _GAP for one in [*row, name]) > _WIDTH:
            yield row
            row = []
        row.append(name)
    yield row


def _width(name: str) -> float:
    return _LETTER * len(name) + 16


if __name__ == "__main__":
    PLACE.write_text(drawing(), encoding="utf-8")

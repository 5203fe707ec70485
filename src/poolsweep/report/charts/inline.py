"""An SVG file as part of a page: smaller, in the page's colours and font, and apart from other figures."""

from __future__ import annotations

import html
import re

from poolsweep.report.charts.style import VARIABLES


class Inliner:
    """Takes figures into one page; styles that occur again and again become classes that all of them share."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def take(self, svg: str, *, prefix: str, label: str) -> str:
        """The figure as it stands in the page.

        Args:
            svg: A chart's.
            prefix: Start of its ids, which no other figure has.
            label: What it shows, for who cannot see it.
        """
        body = svg[svg.index("<svg") :]
        used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", body))
        body = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}-{m.group(1)}"' if m.group(1) in used else "", body)
        body = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{prefix}-", body)
        for colour, name in VARIABLES.items():
            body = body.replace(colour, f"var(--{name})")
        body = re.sub(r" font-family: [^;\"]*;?", "", body)
        body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body)
        body = re.sub(r'(?<= d=")[^"]+', _one_decimal, body)
        body = re.sub(r'(<(?!svg)[^>]*?) style="([^"]*)"', self._with_class, body)
        body = re.sub(r"\n\s*", "\n", _without_plain_groups(body))
        body = re.sub(
            r"^<svg ([^>]*)>(.*)</svg>", rf'<svg \1><g id="{prefix}-whole">\2</g></svg>', body, flags=re.DOTALL
        )
        return body.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)

    def css(self) -> str:
        """The rules of the classes."""
        return "\n".join(f".{name} {{ {style} }}" for style, name in self._classes.items())

    def _with_class(self, tag: re.Match[str]) -> str:
        start, style = tag.groups()
        return f'{start} class="{self._classes.setdefault(style, f"v{len(self._classes)}")}"'


def _one_decimal(path: re.Match[str]) -> str:
    """A path's numbers to a tenth of a point, without line ends."""
    text = " ".join(path.group().split())
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number.group()):.1f}".removesuffix(".0"), text)


def _without_plain_groups(body: str) -> str:
    """Drops the groups that only group.

    Example:
        >>> _without_plain_groups('<g><g class="a"><path/></g><g/></g>')
        '<g class="a"><path/></g>'
    """
    kept: list[bool] = []

    def keep(tag: re.Match[str]) -> str:
        text = tag.group()
        if text == "<g/>":
            return ""
        if text.startswith("</"):
            return text if kept.pop() else ""
        kept.append(text != "<g>")
        return text if kept[-1] else ""

    return re.sub(r"</?g(?: [^>]*)?/?>", keep, body)

"""What is written to a terminal or a job's log: only what the stream can show, and no control characters of others.

Names, labels, file names and error texts may come from a stranger's files. ``print`` goes through the streams that
``shown_output`` sets, and what rich draws through ``Console``. Nothing is written around them.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, TextIO

# Control characters but tab and line feed, other ends of lines, and marks that change the direction of a text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_STAND_INS = {
    "·": "-", "−": "-", "–": "-", "…": "...", "→": "->", "←": "<-", "▶": ">", "★": "*", "×": "x", "±": "+-", "≤": "<=",
    "≥": ">=", "∞": "inf", "√": "sqrt", "²": "^2", "³": "^3", "⁻": "^-", "¹": "1", "ᵀ": "^T", "₁": "1", "₂": "2",
    "₋": "-", "⟂": "|", "₍": "(", "₎": ")", "ᵢ": "_i", "ⱼ": "_j", "‖": "||", "⊙": "*", "∂": "d", "█": "#", "Σ": "sum",
    "Δ": "diff", "δ": "delta", "σ": "sigma", "θ": "theta", "ρ": "rho", "χ": "chi", "μ": "mu", "γ": "gamma",
    "Γ": "Gamma", "Λ": "Lambda", "Φ": "Phi", "α": "alpha",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)
_ERRORS = "poolsweep.stand_in"


def shown(text: str) -> str:
    r"""A text with its control characters spelled out.

    Example:
        >>> print(shown("red: \x1b[31m"))
        red: \x1b[31m
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def in_one_line(text: str) -> str:
    r"""A text with its control characters and its line feeds spelled out.

    Example:
        >>> print(in_one_line("first\nsecond"))
        first\nsecond
    """
    return shown(text).replace("\n", "\\n")


def as_cell(value: Any) -> Any:  # noqa: ANN401
    """A value for a csv file, which no spreadsheet takes for a formula; numbers stay numbers.

    Example:
        >>> as_cell("=1+2"), as_cell("-0.5"), as_cell(-0.5), as_cell("cls")
        ("'=1+2", '-0.5', -0.5, 'cls')
    """
    if not isinstance(value, str) or not value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value
    return value if _NUMBER.fullmatch(value) else f"'{value}"


def number(value: float, form: str) -> str:
    """A number for people, with a true minus; what is to be typed again, or read by programs, is written without.

    Args:
        value: Any.
        form: Format of the number, as in an f-string.
    Example:
        >>> number(-0.25, "+.1f"), number(0.5, ">7.3f")
        ('−0.2', '  0.500')
    """
    return f"{value:{form}}".replace("-", "−")


class ShownStream:
    """A text stream on which control characters are spelled out.

    Args:
        below: Takes what is left; stand-ins take the place of what it cannot encode.
    """

    def __init__(self, below: TextIO) -> None:
        self.below = below
        if isinstance(below, io.TextIOWrapper):
            codecs.register_error(_ERRORS, _stand_in)
            below.reconfigure(errors=_ERRORS)

    def write(self, text: str) -> int:
        """Write a text, shown."""
        return self.below.write(shown(text))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.below, name)


def print_problem(line: str) -> None:
    """Write a line to standard error; a terminal gets it broken between words. Imports nothing that takes time."""
    if sys.stderr and sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    print(line, file=sys.stderr)


@contextlib.contextmanager
def shown_output() -> Iterator[None]:
    """Let standard output and standard error show control characters, and stand-ins for what they cannot encode."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and ShownStream(stream) for stream in before)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """For a codec: what to write in place of characters that an encoding lacks."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_STAND_INS.get(one, "?") for one in lacking), error.end

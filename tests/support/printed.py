"""Holds what a page prints below a command against what the command prints: words and columns, not numbers."""

from __future__ import annotations

import re

from poolsweep.pooling.presets import preset_names

_VERDICTS = ("could be the best: one of these is", "every other is significantly worse")  # numbers decide which
_POOLINGS = "|".join(sorted(map(re.escape, preset_names()), key=len, reverse=True))


def unlike(shown: str, printed: str) -> list[str]:
    """Lines of a page that a command prints nothing like.

    Args:
        shown: The block of the page.
        printed: Output of the commands above it.
    """
    known = {_shape(line) for line in printed.splitlines()}
    return [line for line in shown.splitlines() if _shape(line) not in known and not _is_left_out(line)]


def _is_left_out(line: str) -> bool:
    return not line.strip(" …─") or any(verdict in line for verdict in _VERDICTS)


def _shape(line: str) -> str:
    """A line without what differs from study to study: numbers, marks, names of poolings and runs, predicted labels."""
    line = re.sub(
        r"^[=★×]?\s+|^[=★×]\s|, \d+ finished before|\s+\(about .* left\)$", "", line.replace("tiny", "minilm")
    )
    line = re.sub(r",[^,\s]+,\d\.\d+$", ",LABEL,#", line)
    line = re.sub(rf"\b({_POOLINGS})\b", "P", line)
    line = re.sub(r"\b[0-9a-f]{12}\b|[+−-]?\d[\d.,]*(e-?\d+)?", "#", line)
    return " ".join(line.replace(" ± #", "").split())  # where all seeds agree there is no interval

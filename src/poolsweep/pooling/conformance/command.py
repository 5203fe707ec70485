"""``poolsweep check my_package.MyPooling``: the conformance suite on a user's own class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from poolsweep.pooling.conformance.result import CheckResult
from poolsweep.pooling.conformance.suite import cheap_checks, costly_checks
from poolsweep.pooling.conformance.target import subjects
from poolsweep.terminal.console import Console


def check_class(target: str, options: Mapping[str, Any] | None = None) -> list[CheckResult]:
    """Run the whole suite on a class.

    Args:
        target: Dotted name of a ``TokenPooling``, a ``LayerMix``, or a class with ``forward(hidden, mask, context)``,
            ``auxiliary_loss()``, ``layers_needed`` and ``output_size``.
        options: The class's own options; derived sizes are added.
    Raises:
        UserError: If it cannot be imported, or an option without a default is missing.
    """
    found = subjects(target, options)
    results = [result for subject in found for result in cheap_checks(subject)]
    return results + costly_checks(found[0])


def run_check(target: str, options: Mapping[str, Any] | None = None, *, console: Console | None = None) -> int:
    """Run the suite on a class and print what fails and why.

    Args:
        target: Dotted name of the class.
        options: The class's own options.
        console: Where to print; None = standard output.
    Returns:
        The exit status: 0 = all passed, 1 = a check failed.
    Raises:
        UserError: If the class cannot be built.
    """
    console = console or Console()
    results = check_class(target, options)
    for line in _lines(results):
        console.say(line)
    counts = Counter(result.status for result in results)
    console.say(f"{target}: {counts['passed']} checks passed, {counts['failed']} failed{_skipped(counts)}")
    return 1 if counts["failed"] else 0


def _lines(results: list[CheckResult]) -> list[Text]:
    """One line per failure; dtypes that fail in the same way share one."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for result in results:
        if result.status != "passed":
            grouped.setdefault((result.status, result.subject, result.check, result.detail), []).append(result.dtype)
    colours = {"failed": "red", "skipped": "yellow"}
    return [
        _line(colours[status], status, f"{subject}: {check} ({', '.join(kinds)}): {detail}")
        for (status, subject, check, detail), kinds in grouped.items()
    ]


def _skipped(counts: Counter[str]) -> str:
    return f", {counts['skipped']} skipped" if counts["skipped"] else ""


def _line(colour: str, status: str, text: str) -> Text:
    return Text.assemble((status, colour), f" {text}")

"""Which checks there are, how they are run, and ``poolsweep check my_package.MyPooling``, which prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from rich.text import Text

from poolsweep.pooling.conformance import contract, numerics
from poolsweep.pooling.conformance.contract import CheckFailed, CheckSkipped
from poolsweep.pooling.conformance.subject import Subject
from poolsweep.pooling.conformance.target import subjects
from poolsweep.terminal.console import Console

Check = Callable[[Subject, torch.dtype], None]

HALF = (torch.bfloat16, torch.float16)
DTYPES = (torch.float32, *HALF)

# Cheap: run over every pair of halves.
IN_EVERY_DTYPE: tuple[Check, ...] = (
    contract.padding_content_ignored,
    contract.left_equals_right,
    contract.batch_independent,
    contract.all_padding_gives_zeros,
    contract.one_token_row,
    contract.input_unchanged,
    numerics.finite_gradients,
    contract.output_size_true,
    contract.pooling_first_is_the_same,
)
IN_HALF: tuple[Check, ...] = (numerics.long_rows,)
IN_FLOAT32: tuple[Check, ...] = (
    contract.state_dict_round_trip,
    contract.explanation_fits,
    numerics.autocast_agrees,
)
IN_FLOAT64: tuple[Check, ...] = (contract.flags_true,)

# Seconds each: run once per half.
COSTLY_FLOAT64: tuple[Check, ...] = (numerics.gradients_are_right,)
COSTLY_FLOAT32: tuple[Check, ...] = (numerics.compiles, numerics.exports_to_onnx)


@dataclass(frozen=True)
class CheckResult:
    """One check of one pooling in one dtype.

    Attributes:
        subject: The pooling's name.
        check: The check's name.
        dtype: Such as ``float32``.
        status: ``skipped`` where something needed is not installed, or the docstring rules the check out.
        detail: Why it failed or was skipped; empty if it passed.
    """

    subject: str
    check: str
    dtype: str
    status: Literal["passed", "failed", "skipped"]
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether the check failed."""
        return self.status == "failed"

    def __str__(self) -> str:
        """One line."""
        return f"{self.subject}: {self.check} ({self.dtype}) {self.status}" + (
            f": {self.detail}" if self.detail else ""
        )


def cheap_checks(subject: Subject) -> list[CheckResult]:
    """Run the checks that cost milliseconds."""
    return [
        *run_checks(subject, IN_EVERY_DTYPE, DTYPES),
        *run_checks(subject, IN_HALF, HALF),
        *run_checks(subject, IN_FLOAT32, (torch.float32,)),
        *run_checks(subject, IN_FLOAT64, (torch.float64,)),
    ]


def costly_checks(subject: Subject) -> list[CheckResult]:
    """Run the checks that cost seconds: gradcheck, torch.compile, ONNX."""
    return [
        *run_checks(subject, COSTLY_FLOAT64, (torch.float64,)),
        *run_checks(subject, COSTLY_FLOAT32, (torch.float32,)),
    ]


def run_checks(subject: Subject, checks: Iterable[Check], dtypes: Sequence[torch.dtype]) -> list[CheckResult]:
    """Run checks one by one; whatever a pooling raises is that check's failure."""
    return [_run(subject, check, dtype) for check in checks for dtype in dtypes]


def _run(subject: Subject, check: Check, dtype: torch.dtype) -> CheckResult:
    name, kind = check.__name__, str(dtype).removeprefix("torch.")
    try:
        check(subject, dtype)
    except CheckFailed as failure:
        return CheckResult(subject.name, name, kind, "failed", str(failure))
    except CheckSkipped as reason:
        return CheckResult(subject.name, name, kind, "skipped", str(reason))
    except Exception as error:
        first_line = next(iter(str(error).strip().splitlines()), "")
        return CheckResult(subject.name, name, kind, "failed", f"{type(error).__name__}: {first_line}")
    return CheckResult(subject.name, name, kind, "passed")


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
        console: Place to print to; None = standard output.
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
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    console.say(f"{target}: {counts['passed']} checks passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] else 0


def _lines(results: list[CheckResult]) -> list[Text]:
    """One line per failure; dtypes that fail in the same way share one."""
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for result in results:
        if result.status != "passed":
            grouped.setdefault((result.status, result.subject, result.check, result.detail), []).append(result.dtype)
    colours = {"failed": "red", "skipped": "yellow"}
    return [
        Text.assemble((status, colours[status]), f" {subject}: {check} ({', '.join(kinds)}): {detail}")
        for (status, subject, check, detail), kinds in grouped.items()
    ]

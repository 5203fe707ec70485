"""Which checks there are, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch

from poolsweep.pooling.conformance import numerics, padding, promises, tools
from poolsweep.pooling.conformance.result import CheckFailed, CheckResult, CheckSkipped
from poolsweep.pooling.conformance.subject import Subject

Check = Callable[[Subject, torch.dtype], None]

HALF = (torch.bfloat16, torch.float16)
DTYPES = (torch.float32, *HALF)

# Cheap: run over every pair of halves.
IN_EVERY_DTYPE: tuple[Check, ...] = (
    padding.padding_content_ignored,
    padding.left_equals_right,
    padding.batch_independent,
    padding.all_padding_gives_zeros,
    padding.one_token_row,
    padding.input_unchanged,
    numerics.finite_gradients,
    promises.output_size_true,
    promises.pooling_first_is_the_same,
)
IN_HALF: tuple[Check, ...] = (numerics.long_rows,)
IN_FLOAT32: tuple[Check, ...] = (
    promises.state_dict_round_trip,
    promises.explanation_fits,
    numerics.autocast_agrees,
)
IN_FLOAT64: tuple[Check, ...] = (promises.flags_true,)

# Seconds each: run once per half.
COSTLY_FLOAT64: tuple[Check, ...] = (numerics.gradients_are_right,)
COSTLY_FLOAT32: tuple[Check, ...] = (tools.compiles, tools.exports_to_onnx)


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

"""The contract of a pooling as checks that run on any class, from tests and from ``poolsweep check``."""

from poolsweep.pooling.conformance.command import check_class, run_check
from poolsweep.pooling.conformance.result import CheckResult
from poolsweep.pooling.conformance.suite import cheap_checks, costly_checks
from poolsweep.pooling.conformance.target import pair_subject

__all__ = ["CheckResult", "cheap_checks", "check_class", "costly_checks", "pair_subject", "run_check"]

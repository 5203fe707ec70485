"""The contract of a pooling as checks that run on any class, from tests and from ``poolsweep check``."""

from poolsweep.pooling.conformance.suite import CheckResult, cheap_checks, check_class, costly_checks, run_check
from poolsweep.pooling.conformance.target import pair_subject

__all__ = ["CheckResult", "cheap_checks", "check_class", "costly_checks", "pair_subject", "run_check"]

"""Exceptions that several parts know: a user's mistake, and two ends of a run."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_NAMES = 24  # a poorly made file may have thousands of columns
_MOST_COMPARED = 5000


class UserError(Exception):
    """Something in a config, a file or the machine that the user can put right.

    The command line prints each problem on a line of its own, without a traceback, and exits with status 2.

    Args:
        problems: One sentence each: what is wrong, where, and what to do.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class RefusedError(UserError):
    """A config of which nothing may be built: it names code that it may not run, or has not the shape of one."""


class UnfitPoolingError(UserError):
    """Nothing is wrong with a config but its pooling, which the encoder or the trainer rules out."""


class TrainingDivergedError(Exception):
    """The loss or the monitored metric is not a number."""

    kind = "diverged"


class RunTimeoutError(Exception):
    """A run has used up the time that it may take."""

    kind = "timeout"


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of an error sentence: the nearest valid names, or all of them if none is near.

    Example:
        >>> nearest("clss", ["cls", "max", "mean"])
        'did you mean cls?'
        >>> nearest("zzz", ["cls", "max"])
        'valid: cls, max'
    """
    names = sorted(valid)
    close = get_close_matches(name, names[:_MOST_COMPARED], n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "none is valid here"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"valid: {', '.join(names[:_MOST_NAMES])}{more}"

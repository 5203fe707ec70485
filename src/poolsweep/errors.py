"""Exceptions that several parts know: a user's mistake, and two ends of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

_MOST_NAMES = 24  # a poorly made file may have thousands of columns
_MOST_COMPARED = 5000
_NEAR, _MUCH_FARTHER = 0.6, 0.15  # shares of the letters of two names that match
_SHORTENED, _OF_SHORTENED = 3, 0.9  # letters of a name that was cut short, and how near it is to the whole


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
        >>> nearest("trainer.max_epcohs", ["trainer.devices", "trainer.max_epochs"])
        'did you mean trainer.max_epochs?'
    """
    names = sorted(set(valid))
    close = [found for _, found in closest(name, names)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "none is valid here"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"valid: {', '.join(names[:_MOST_NAMES])}{more}"


def did_you_mean(name: object, valid: Iterable[str]) -> str:
    """The end of an error sentence that has told what is valid: the nearest of it, or nothing if none is near.

    Example:
        >>> did_you_mean("faild", ["failed", "never"]), did_you_mean("most", ["failed", "never"])
        ('; did you mean failed?', '')
    """
    close = closest(str(name), sorted(set(valid)))
    return f"; did you mean {close[0][1]}?" if close else ""


def closest(name: str, names: Sequence[str]) -> list[tuple[float, str]]:
    """Up to three names that are near, the nearest first, each with how near it is (1 = the same).

    Of dotted names that begin alike the ends are compared. Names that are much farther than the first are left out.

    Args:
        name: What was typed.
        names: What might have been meant.
    """
    cut = max(name.rfind("."), name.rfind("/")) + 1
    near = []
    for valid in names[:_MOST_COMPARED]:
        start = cut if valid.startswith(name[:cut]) else 0
        ratio = _likeness(name[start:].casefold(), valid[start:].casefold())
        if ratio >= _NEAR:
            near.append((ratio, valid))
    near.sort(key=lambda found: -found[0])
    return [found for found in near[:3] if found[0] > near[0][0] - _MUCH_FARTHER]


def _likeness(name: str, other: str) -> float:
    if len(name) >= _SHORTENED and other.startswith(name):
        return _OF_SHORTENED
    matcher = SequenceMatcher(None, other, name)
    return matcher.ratio() if matcher.real_quick_ratio() >= _NEAR and matcher.quick_ratio() >= _NEAR else 0.0

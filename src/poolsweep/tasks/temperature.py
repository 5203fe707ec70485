"""The temperature: one number that logits are divided by, so that probabilities say how often they are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from poolsweep.bounds import Described, PositiveFloat

if TYPE_CHECKING:
    from poolsweep.tasks.contract import Contract

Calibrate = Annotated[
    Literal["none", "temperature"] | PositiveFloat, Described("none, temperature, or a temperature above 0")
]
FITTED = "temperature"
BOUNDS = (0.1, 100.0)  # where no mistake, or nothing right, would draw a fitted one to 0 or to infinity
_DIGITS = 9
_AT_ONCE = 2**22  # numbers of a block


def best_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature whose ``logits / temperature`` have the least cross-entropy, within ``BOUNDS``.

    Of one label per text the cross-entropy is that of the softmax; of marks for each label it is the binary one. It is
    convex in the inverse, whose slope has one root.

    Args:
        logits: What a head gave.
        targets: Label ids, or a mark for each label.
    Shape:
        logits (N, C); targets (N,) or (N, C).
    Reference:
        Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks", arXiv:1706.04599, sec. 4.2.
        Differs: the same for binary cross-entropy.
    Example:
        >>> best_temperature(np.array([[2.0, 0.0]] * 4), np.array([0, 0, 0, 1]))  # 2 / log(3)
        1.820478453
    """
    from scipy.optimize import brentq

    def slope(log_temperature: float) -> float:
        return _slope(logits, targets, math.exp(-log_temperature))

    low, high = map(math.log, BOUNDS)
    if slope(0.0) == 0:
        return 1.0
    if slope(low) <= 0:
        return BOUNDS[0]
    if slope(high) >= 0:
        return BOUNDS[1]
    return round(math.exp(float(brentq(slope, low, high, xtol=1e-12))), _DIGITS)  # type: ignore[arg-type]


def _slope(logits: np.ndarray, targets: np.ndarray, inverse: float) -> float:
    """The derivative of the summed cross-entropy by the inverse of the temperature, in float64."""
    rows = max(1, _AT_ONCE // logits.shape[1])
    of_block = _softmax_slope if targets.ndim == 1 else _sigmoid_slope
    return sum(
        of_block(logits[start : start + rows].astype(np.float64), targets[start : start + rows], inverse)
        for start in range(0, len(logits), rows)
    )


def _softmax_slope(logits: np.ndarray, targets: np.ndarray, inverse: float) -> float:
    above = logits - np.take_along_axis(logits, targets[:, None], axis=1)  # the right label's own is 0 exactly
    weights = np.exp(inverse * (above - above.max(axis=1, keepdims=True)))
    return float(((weights * above).sum(axis=1) / weights.sum(axis=1)).sum())


def _sigmoid_slope(logits: np.ndarray, targets: np.ndarray, inverse: float) -> float:
    from scipy.special import expit

    wrong = np.where(targets, -logits, logits)
    return float((expit(inverse * wrong) * wrong).sum())


def mean_temperature(contracts: Sequence[Contract]) -> float:
    """The geometric mean of the temperatures of several models: temperatures are factors."""
    return round(math.exp(float(np.mean([math.log(one.temperature) for one in contracts]))), _DIGITS)


def read_temperature(content: Any) -> float:  # noqa: ANN401
    """A temperature as ``labels.json`` holds it, which may be a stranger's.

    Raises:
        ValueError: If it is no number above 0.
    """
    if type(content) not in (int, float) or not 0 < content < math.inf:
        raise ValueError("a temperature must be a number above 0")
    return float(content)


def at_bound(temperature: float) -> str | None:
    """What to say of a fitted temperature that lies at the end of what is allowed; None if it does not."""
    if temperature not in BOUNDS:
        return None
    why = "sets no lower limit: hardly a text is wrong" if temperature == BOUNDS[0] else (
        "sets no upper limit: probabilities say nothing of its labels"
    )  # fmt: skip
    return f"the temperature is at its bound, {temperature:g}, since the validation split {why}"

"""The search space: swept values in Hydra's syntax as Optuna's distributions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    RangeSweep,
    Sweep,
    Transformer,
)
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.trial import Trial

from poolsweep.errors import UserError
from poolsweep.runs.record_fields import REPLICATES


@dataclass(frozen=True)
class Axis:
    """One thing that is chosen.

    Attributes:
        key: Key of an override.
        distribution: What it may be.
        matched: Whether a pattern such as ``glob(*)`` chose what it may be.
    """

    key: str
    distribution: BaseDistribution
    matched: bool = False

    @property
    def examples(self) -> list[str]:
        """Overrides that between them show every option, or the ends of a range."""
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            return [self.override(value) for value in d.choices]
        assert isinstance(d, FloatDistribution | IntDistribution)
        return [self.override(d.low), self.override(d.high)]

    def without(self, overrides: Collection[str]) -> Axis:
        """The axis without some of its options."""
        if not isinstance(self.distribution, CategoricalDistribution):
            return self
        left = [value for value in self.distribution.choices if self.override(value) not in overrides]
        return replace(self, distribution=CategoricalDistribution(left))

    def override(self, value: Any) -> str:  # noqa: ANN401
        """The override that sets a value."""
        return f"{self.key}={value}"

    def suggest(self, trial: Trial) -> Any:  # noqa: ANN401
        """The trial's value, chosen now unless it was before."""
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            return trial.suggest_categorical(self.key, d.choices)
        if isinstance(d, IntDistribution):
            return trial.suggest_int(self.key, d.low, d.high, step=d.step, log=d.log)
        assert isinstance(d, FloatDistribution)
        return trial.suggest_float(self.key, d.low, d.high, step=d.step, log=d.log)


@dataclass(frozen=True)
class Space:
    """The search space, and the overrides beside it.

    Attributes:
        axes: In the order they were typed.
        seeds: Overrides of the seeds of each run of a trial; empty if none is swept.
        fixed: Overrides that every run has.
    """

    axes: tuple[Axis, ...]
    seeds: tuple[tuple[str, ...], ...]
    fixed: tuple[str, ...]

    @property
    def runs_per_trial(self) -> list[tuple[str, ...]]:
        """The overrides that each run of a trial has beside the trial's own."""
        return list(self.seeds) or [()]

    def describe(self) -> list[str]:
        """Key and distribution of each axis, in words that stay the same."""
        return [f"{axis.key} {distribution_to_json(axis.distribution)}" for axis in self.axes]


def read_space(overrides: Sequence[Override]) -> Space:
    """Sort overrides into what is searched, the seeds, and the rest.

    Raises:
        UserError: With every override that cannot be searched, or if none is there.
    """
    axes: list[Axis] = []
    seeds: list[list[str]] = []
    fixed: list[str] = []
    problems: list[str] = []
    for override in overrides:
        if not override.is_sweep_override():
            assert override.input_line is not None
            fixed.append(override.input_line)
            continue
        key = override.get_key_element()
        try:
            if key in REPLICATES:
                seeds.append(_seeds(override))
            else:
                axes.append(Axis(key, _distribution(override), isinstance(override.value(), Glob)))
        except ValueError as error:
            problems.append(f"{override.input_line}: {error}")
    if not axes and not problems:
        problems.append("nothing is searched: give choices or an interval, optimizer.lr=tag(log,interval(1e-5,1e-3))")
    if problems:
        raise UserError(*problems)
    return Space(tuple(axes), tuple(itertools.product(*seeds)) if seeds else (), tuple(fixed))


def _seeds(override: Override) -> list[str]:
    key = override.get_key_element()
    if isinstance(override.value(), IntervalSweep):
        raise ValueError(f"seeds are not searched; each trial runs all of {key}=0,1,2")
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def _distribution(override: Override) -> BaseDistribution:
    value = override.value()
    assert isinstance(value, Sweep | Glob)
    log = isinstance(value, Sweep) and "log" in value.tags
    if isinstance(value, ChoiceSweep | Glob):
        return CategoricalDistribution(tuple(dict.fromkeys(map(str, override.sweep_string_iterator()))))
    if isinstance(value, IntervalSweep):
        low, high = value.start, value.end
        assert low is not None
        assert high is not None
        whole = isinstance(low, int) and isinstance(high, int)
        return IntDistribution(int(low), int(high), log=log) if whole else FloatDistribution(low, high, log=log)
    assert isinstance(value, RangeSweep)
    if log:
        raise ValueError("a range has steps, so it cannot be log; use tag(log,interval(low,high))")
    steps = [s for s in override.sweep_iterator(transformer=Transformer.identity) if isinstance(s, int | float)]
    if not steps:
        raise ValueError("the range is empty")
    low, high, step = min(steps), max(steps), abs(value.step)
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int):
        return IntDistribution(low, high, step=step)
    return FloatDistribution(float(low), float(high), step=float(step))


def short(value: Any) -> str:  # noqa: ANN401
    """A value for people: four digits of a float.

    Example:
        >>> short(3.1622776601683795e-05)
        '3.162e-05'
    """
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value) if isinstance(value, bool) else str(value)

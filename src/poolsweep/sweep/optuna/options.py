"""The keys of ``optuna``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from poolsweep.errors import UserError, nearest

_SAMPLERS = ("tpe", "random")
_PRUNERS = ("median", "halving", "hyperband", "none")
_LEAST = {"trials": 1, "seed": 0, "startup_trials": 1, "pruner_startup": 1, "pruner_warmup": 0, "trials_at_once": 1}


@dataclass(frozen=True)
class OptunaOptions:
    """How trials are chosen and pruned.

    Attributes:
        trials: Number of trials in all.
        sampler: tpe or random.
        seed: Seed of the sampler.
        startup_trials: Random trials before tpe.
        pruner: median, halving, hyperband or none.
        pruner_startup: Finished trials that the median needs before it ends any.
        pruner_warmup: Validations of a run before the median may end it.
        trials_at_once: Trials that are asked for together.
    """

    trials: int
    sampler: str
    seed: int
    startup_trials: int
    pruner: str
    pruner_startup: int
    pruner_warmup: int
    trials_at_once: int

    def make_sampler(self, *, trial: int, axis: int) -> BaseSampler:
        """The sampler for one value of one trial, or with an ``axis`` beyond the last for all together.

        Its random numbers depend on nothing but ``seed`` and the place, so that a process that was killed changes
        nothing.
        """
        seed = (self.seed * 1_000_003 + trial * 1_009 + axis) % 2**32
        if self.sampler == "random":
            return RandomSampler(seed=seed)
        return TPESampler(seed=seed, n_startup_trials=self.startup_trials, multivariate=True)


def optuna_options(given: Mapping[str, Any]) -> OptunaOptions:
    """Check the keys of ``optuna``.

    Raises:
        UserError: With every problem.
    """
    known = [field.name for field in fields(OptunaOptions)]
    problems = [f"there is no key optuna.{key}; {nearest(str(key), known)}" for key in given.keys() - set(known)]
    for name, least in _LEAST.items():
        value = given.get(name)
        if type(value) is not int or value < least:
            problems.append(f"optuna.{name} must be a whole number of at least {least}, got {value!r}")
    for name, valid in (("sampler", _SAMPLERS), ("pruner", _PRUNERS)):
        if given.get(name) not in valid:
            problems.append(f"optuna.{name}={given.get(name)} is unknown; {nearest(str(given.get(name)), valid)}")
    if problems:
        raise UserError(*problems)
    return OptunaOptions(**{field.name: given[field.name] for field in fields(OptunaOptions)})

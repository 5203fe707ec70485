"""Whether the values of a search space can be, before the first trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from poolsweep.config import RunConfig, resolve
from poolsweep.config.shared import Composed
from poolsweep.errors import UnfitPoolingError, UserError
from poolsweep.sweep.optuna.space import Space
from poolsweep.sweep.plan import Unfit, check_once, require_one_study
from poolsweep.terminal.console import Console
from poolsweep.training.job import folder_of
from poolsweep.training.sources import task_of_data

Compose = Callable[[tuple[str, ...]], Composed]


def check_space(space: Space, *, compose: Compose, known: Unfit, console: Console) -> tuple[Space, RunConfig]:
    """Check every option of every axis, the others at their first; gives the space and the config of the first of all.

    An option that the encoder or the trainer rules out is tried with each option of the other axes: it stays if it goes
    with one of them, is left out if a pattern chose it, and is refused if it was named.

    Args:
        space: What is searched.
        compose: Gives the config of some overrides beside the fixed ones.
        known: What configs read before; is added to.
        console: Console to print to.
    Raises:
        UserError: With every problem.
    """
    checks = _Checks(space, compose, known)
    for chosen in _one_by_one(space):
        checks.fits(chosen)
    out = checks.lost()
    configs = checks.configs
    if configs and configs[0].retry == "all":
        checks.problems["retry=all has no meaning with sweep=optuna; another study=… starts anew"] = None
    if checks.problems:
        raise UserError(*checks.problems)
    require_one_study(folder_of(config)[0].path.parent for config in configs)
    notes = [*checks.notes, *([f"left out, since they cannot be: {', '.join(out)}"] if out else [])]
    for note in notes:
        console.say(f"note: {note}")
    axes = tuple(axis.without(out) for axis in space.axes)
    return (replace(space, axes=axes) if out else space), configs[0]


class _Checks:
    """What was found of combinations so far.

    Args:
        space: What is searched.
        compose: Gives the config of some overrides beside the fixed ones.
        known: What configs read before; is added to.
    """

    def __init__(self, space: Space, compose: Compose, known: Unfit) -> None:
        self._space, self._compose, self._known = space, compose, known
        self._possible: set[str] = set()
        self._unfit: dict[tuple[str, ...], UnfitPoolingError] = {}
        self.configs: list[RunConfig] = []
        self.problems: dict[str, None] = {}
        self.notes: dict[str, None] = {}

    def fits(self, chosen: tuple[str, ...]) -> bool:
        """Check one combination; whether it can be, or is wrong in another way."""
        try:
            config = resolve(self._compose((*chosen, *self._space.runs_per_trial[0])), find_task=task_of_data)
            self.notes |= dict.fromkeys(check_once(config, self._known))
            self.configs.append(config)
        except UnfitPoolingError as error:
            self._unfit[chosen] = error
            return False
        except UserError as error:
            self.problems |= dict.fromkeys(error.problems)
        self._possible.update(chosen)
        return True

    def lost(self) -> list[str]:
        """The options of patterns that go with nothing; those that were named are problems."""
        out: list[str] = []
        for chosen, error in list(self._unfit.items()):
            for place, option in enumerate(chosen):
                if option in self._possible or any(map(self.fits, _with(self._space, chosen, place))):
                    continue
                if self._space.axes[place].matched:
                    out.append(option)
                else:
                    self.problems |= dict.fromkeys(error.problems)
        if not self.configs and not self.problems:
            self.problems |= {problem: None for error in self._unfit.values() for problem in error.problems}
        return list(dict.fromkeys(out))


def _one_by_one(space: Space) -> Iterator[tuple[str, ...]]:
    """The first option of every axis, then every other option of each."""
    first = tuple(axis.examples[0] for axis in space.axes)
    yield first
    for place, axis in enumerate(space.axes):
        for example in axis.examples[1:]:
            yield (*first[:place], example, *first[place + 1 :])


def _with(space: Space, chosen: tuple[str, ...], place: int) -> Iterator[tuple[str, ...]]:
    """An option with every other option of each other axis, the rest as chosen."""
    for other, axis in enumerate(space.axes):
        if other != place:
            for example in axis.examples:
                yield (*chosen[:other], example, *chosen[other + 1 :])

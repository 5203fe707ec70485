"""The settings of a race, and the run of each in every round of seeds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from poolsweep.config import Node, RunConfig
from poolsweep.config.names import encoder_name
from poolsweep.launch.launcher import Job
from poolsweep.report.contender_key import ContenderKey, contender_names
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.identity import setting_id
from poolsweep.runs.record_fields import REPLICATES
from poolsweep.sweep.plan import SweepPlan


@dataclass(frozen=True, eq=False)
class Setting:
    """A pooling, with a value of everything else that was swept beside the seeds.

    Attributes:
        name: Overrides, without the seeds.
        key: Contender that it is a setting of.
        jobs: Round → its run of that round; where its seeds are one and the same run, in the first round alone.
    """

    name: str
    key: ContenderKey
    jobs: dict[int, Job]

    @property
    def pooling(self) -> str:
        """Preset, or ``layers+tokens``."""
        return self.key.pooling

    @property
    def words(self) -> frozenset[str]:
        """What its contender can be called by: its pooling, alone or with its encoder before it, its regime behind."""
        encoder, pooling, regime = self.key
        with_encoder = f"{encoder}/{pooling}"
        return frozenset({pooling, with_encoder, f"{pooling}/{regime}", f"{with_encoder}/{regime}"})

    @property
    def runs(self) -> dict[int, RunFolder]:
        """Round → the folder of its run."""
        return {place: job.folder for place, job in self.jobs.items()}

    @property
    def facts(self) -> dict[str, Any] | None:
        """The result of its first run that has one; None before one has finished."""
        return next((facts for folder in self.runs.values() if (facts := folder.finished()) is not None), None)

    def run_ids(self, rounds: int) -> tuple[str, ...]:
        """The ids of its runs of the first rounds."""
        return tuple(self.runs[place].path.name for place in range(rounds) if place in self.runs)


@dataclass(frozen=True)
class SeedGrid:
    """All runs that a race may make: settings by seeds.

    Attributes:
        settings: In the order in which they were typed.
        seeds: The seeds of each round, as a person reads them: ``seed=3``.
    """

    settings: tuple[Setting, ...]
    seeds: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of poolings and contenders, each once."""
        contenders = contender_names(list(dict.fromkeys(setting.key for setting in self.settings)))
        return tuple(dict.fromkeys([*(setting.pooling for setting in self.settings), *contenders.values()]))

    def called(self, word: str) -> bool:
        """Whether any contender is called by a word."""
        return any(word in setting.words for setting in self.settings)

    @property
    def num_runs(self) -> int:
        """Number of runs of the full grid."""
        return sum(len(setting.runs) for setting in self.settings)


def seed_grid(plan: SweepPlan) -> SeedGrid:
    """Sort the runs of a full grid into settings and rounds."""
    rounds: dict[tuple[Any, ...], int] = {}
    found: dict[str, Setting] = {}
    for job in plan.jobs.values():
        config = job.config
        place = rounds.setdefault(tuple(_value(config.content, key) for key in REPLICATES), len(rounds))
        name = _without_seeds(job.name) or config.pooling_name
        key = ContenderKey(encoder_name(config.encoder), config.pooling_name, config.regime)
        setting = found.setdefault(_what_is_set(config), Setting(name, key, {}))
        setting.jobs[place] = job
    return SeedGrid(tuple(found.values()), tuple(_seed_text(seeds) for seeds in rounds))


def _what_is_set(config: RunConfig) -> str:
    """What two runs have in common that differ in their seeds alone."""
    data = {key: value for key, value in config.data.items() if f"data.{key}" not in REPLICATES}
    parts = [data, config.encoder.plain(), config.pooling.plain(), setting_id(config)]
    return json.dumps(parts, sort_keys=True, default=str)


def _value(config: Node, key: str) -> Any:  # noqa: ANN401
    """The value of a dotted key; None where there is none, as in a data source that splits nothing."""
    found: Any = config
    for part in key.split("."):
        found = found.get(part)
    return found


def _seed_text(seeds: tuple[Any, ...]) -> str:
    """As typed: ``seed=3``, and what was set apart from it."""
    usual = {"data.split_seed": (0, None), "data.fold": (None,)}
    named = zip(REPLICATES[1:], seeds[1:], strict=True)
    apart = [f"{key}={value}" for key, value in named if value not in usual.get(key, (seeds[0],))]
    return " ".join([f"seed={seeds[0]}", *apart])


def _without_seeds(name: str) -> str:
    return " ".join(word for word in name.split(" ") if word.partition("=")[0] not in REPLICATES)

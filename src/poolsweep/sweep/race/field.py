"""The field of a race: its settings, and the run of each in every round."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from poolsweep.config import Node, RunConfig
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.identity import REPLICATES, variant_id
from poolsweep.sweep.point import Point


@dataclass(frozen=True, eq=False)
class Entrant:
    """One setting: a pooling, with a value of everything else that was swept beside the seeds.

    Attributes:
        name: Its overrides, without the seeds.
        pooling: Preset, or ``layers+tokens``.
        runs: Round → its run of that round; where its seeds are one and the same run, in the first round alone.
        points: Round → what that run is composed from.
    """

    name: str
    pooling: str
    runs: Mapping[int, RunFolder]
    points: Mapping[int, Point]

    @property
    def facts(self) -> dict[str, Any] | None:
        """The result of its first run that has one; None before one has finished."""
        return next((facts for folder in self.runs.values() if (facts := folder.finished()) is not None), None)

    def run_ids(self, rounds: int) -> tuple[str, ...]:
        """The ids of its runs of the first rounds."""
        return tuple(self.runs[place].path.name for place in range(rounds) if place in self.runs)


@dataclass(frozen=True)
class Field:
    """All that race.

    Attributes:
        entrants: In the order in which they were typed.
        seeds: The seeds of each round, as a person reads them: ``seed=3``.
    """

    entrants: tuple[Entrant, ...]
    seeds: tuple[str, ...]

    @property
    def poolings(self) -> tuple[str, ...]:
        """Their names, each once."""
        return tuple(dict.fromkeys(entrant.pooling for entrant in self.entrants))

    @property
    def num_runs(self) -> int:
        """Of the full grid."""
        return sum(len(entrant.runs) for entrant in self.entrants)


def field_of(runs: Mapping[RunFolder, Point], *, config_of: Callable[[Point], RunConfig]) -> Field:
    """Sort the runs of a grid into settings and rounds.

    Args:
        runs: Run folder → point.
        config_of: Gives a point's config.
    """
    rounds: dict[tuple[Any, ...], int] = {}
    found: dict[str, tuple[Point, RunConfig, dict[int, RunFolder], dict[int, Point]]] = {}
    for folder, point in runs.items():
        config = config_of(point)
        place = rounds.setdefault(tuple(_value(config.content, key) for key in REPLICATES), len(rounds))
        _, _, folders, points = found.setdefault(_setting(config), (point, config, {}, {}))
        folders[place], points[place] = folder, point
    entrants = tuple(
        Entrant(_without_seeds(point.name) or config.pooling_name, config.pooling_name, folders, points)
        for point, config, folders, points in found.values()
    )
    return Field(entrants, tuple(_seed_text(seeds) for seeds in rounds))


def _setting(config: RunConfig) -> str:
    """What two runs have in common that differ in their seeds alone."""
    data = {key: value for key, value in config.data.items() if f"data.{key}" not in REPLICATES}
    parts = [data, config.encoder.plain(), config.pooling.plain(), variant_id(config)]
    return json.dumps(parts, sort_keys=True, default=str)


def _value(config: Node, key: str) -> Any:  # noqa: ANN401
    """The value of a dotted key; None where there is none, as in a data source that splits nothing."""
    found: Any = config
    for part in key.split("."):
        found = found.get(part)
    return found


def _seed_text(seeds: tuple[Any, ...]) -> str:
    """As typed: ``seed=3``, and what was set apart from it."""
    usual = {"data.split_seed": (0, None)}
    named = zip(REPLICATES[1:], seeds[1:], strict=True)
    apart = [f"{key}={value}" for key, value in named if value not in usual.get(key, (seeds[0],))]
    return " ".join([f"seed={seeds[0]}", *apart])


def _without_seeds(name: str) -> str:
    return " ".join(_words(name, lambda key: key not in REPLICATES))


def _words(name: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    for word in name.split(" "):
        if wanted(word.split("=", 1)[0]):
            yield word

"""What a user means by a model: a run folder, a study, or one of its contenders."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poolsweep.errors import UserError, nearest
from poolsweep.predict.best import best_contender
from poolsweep.report.contender_key import Arena, ContenderKey
from poolsweep.report.contenders import Contender, Group, group_runs, leads
from poolsweep.report.results import RunRecord, load_runs
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.locate import find_study, typed_name
from poolsweep.terminal.progress import said_if_slow


@dataclass(frozen=True)
class Choice:
    """The runs that a model is made of.

    Attributes:
        kind: One run that was named, or is all that a contender has; its refit; or its replicates together.
        runs: Folders of the runs: one, or the replicates by seed.
        name: What to type for it.
        line: How it was chosen, to be said on standard error; None where nothing was.
    """

    kind: Literal["run", "refit", "replicates"]
    runs: tuple[Path, ...]
    name: str
    line: str | None = None

    def single(self) -> Path:
        """The one run, for what needs one model.

        Raises:
            UserError: If there are several: none is picked by its score.
        """
        if len(self.runs) == 1:
            return self.runs[0]
        raise UserError(
            f"{self.name} has {len(self.runs)} replicates; poolsweep refit {shlex.quote(self.name)} makes the one to "
            f"ship, or name a run: {self.runs[0]}"
        )


@dataclass(frozen=True)
class Chosen:
    """A contender of a study, chosen on validation or named.

    Attributes:
        study: Folder of the study.
        group: Contenders on its data set.
        contender: The one.
        name: What to type for it.
        line: How it was chosen.
        refits: Finished refits of it, the newest first.
    """

    study: Path
    group: Group
    contender: Contender
    name: str
    line: str
    refits: tuple[Path, ...]


def choose(given: str | Path) -> Choice:
    """The runs that a user means.

    A study means its best contender by the mean of the monitored metric over its replicates, on validation. A contender
    means its newest finished refit, or else all of its replicates. An export is none of these: ask for it before.

    Args:
        given: A run folder, ``STUDY``, or ``STUDY:NAME``; the data set may stand beside the name.
    Raises:
        UserError: If it names none, or several.
    """
    if is_run(Path(given)):
        return Choice("run", (Path(given),), str(given))
    chosen = choose_contender(str(given))
    if chosen.refits:
        line = f"{chosen.line}; its refit {chosen.refits[0]} is used"
        return Choice("refit", chosen.refits[:1], chosen.name, line)
    runs = tuple(run.path for run in chosen.contender.replicates)
    if len(runs) == 1:
        return Choice("run", runs, chosen.name, f"{chosen.line}; its only run {runs[0]} is used")
    return Choice("replicates", runs, chosen.name, f"{chosen.line}; its {len(runs)} replicates are used together")


def choose_contender(given: str) -> Chosen:
    """The contender that a user means.

    Args:
        given: ``STUDY`` or ``STUDY:NAME``; the pooling alone will do where one contender has it, and the data set may
            stand beside it. Of several numbers of training rows the largest is meant.
    Raises:
        UserError: If there is no such study or contender, or several.
    """
    asked = _Asked.of(given)
    if len(data := sorted({group.data for group in asked.groups})) > 1:
        raise UserError(
            f"{given} has {len(data)} data sets, and the best on one says nothing of another; name one: "
            + ", ".join(shlex.quote(f"{given}:{name}") for name in data)
        )
    if len(asked.groups) != 1:
        told = f"has {len(asked.groups)} tasks; name a run folder" if asked.groups else "has no finished run"
        raise UserError(f"{given} {told}")
    [group] = asked.groups
    word = asked.words.get("name")
    if word is None:
        return asked.chosen(group, *best_contender(group, given=given))
    names = list(group.called(word))
    if len(names) > 1:
        full = ", ".join(shlex.quote(asked.typed(group, name)) for name in names)
        raise UserError(f"{given} could be {len(names)} contenders; name one: {full}")
    return asked.chosen(group, group.contenders[names[0]], "")


def all_contenders(given: str) -> list[Chosen]:
    """Every contender that ``STUDY`` or ``STUDY:NAME`` covers, on all data sets.

    Args:
        given: Words, as ``choose_contender`` takes them.
    Raises:
        UserError: If there is no such study or contender.
    """
    asked = _Asked.of(given)
    word = asked.words.get("name")
    return [
        asked.chosen(group, group.contenders[name], "")
        for group in asked.groups
        for name in (group.contenders if word is None else group.called(word))
    ]


@dataclass(frozen=True)
class _Asked:
    """What some words cover.

    Attributes:
        study: Folder of the study.
        runs: All of its runs, refits too.
        words: The name or pooling, and the data set, that are named.
        groups: Groups that fit these.
    """

    study: Path
    runs: Sequence[RunRecord]
    words: Mapping[str, str]
    groups: Sequence[Group]

    @classmethod
    def of(cls, given: str) -> _Asked:
        study, words = _split(given)
        with said_if_slow(f"reading the runs of {study.name}"):
            runs = load_runs([study], with_refits=True)
            groups = leads([group for group in group_runs(runs) if group.contenders])
        if not groups:
            raise UserError(f"no run of {typed_name(study)} has finished; poolsweep status {shlex.quote(str(study))}")
        asked = _named(words, groups, study=study) if words is not None else {}
        return cls(study, runs, asked, [group for group in groups if _is_asked(group, asked)])

    def chosen(self, group: Group, contender: Contender, why: str) -> Chosen:
        """One of the contenders, with what to type for it."""
        name = self.typed(group, contender.name)
        return Chosen(self.study, group, contender, name, f"{name}{why}", _refits(self.runs, group, contender))

    def typed(self, group: Group, name: str) -> str:
        """What to type for a contender."""
        told = "data" in self.words or len({one.data for one in self.groups}) > 1
        return ":".join([typed_name(self.study), *[group.data] * told, name])


def is_run(path: Path) -> bool:
    """Whether a folder is that of a run, finished or not.

    Args:
        path: Any path.
    """
    folder = RunFolder(path)
    return any(file.is_file() for file in (folder.result, folder.status, folder.config))


def _split(given: str) -> tuple[Path, str | None]:
    """The study, and what stands behind it; a folder may have colons in its own name."""
    ends = [len(given), *(i for i in reversed(range(len(given))) if given[i] == ":")]
    for end in ends:
        try:
            return find_study(given[:end]), given[end + 1 :] if end < len(given) else None
        except UserError as error:
            if end == ends[-1]:
                raise UserError(f"{given} is no run folder, and {error}") from error
    raise AssertionError("unreachable")


def _named(words: str, groups: Sequence[Group], *, study: Path) -> dict[str, str]:
    """Which contender and data set some words name; names may have colons, so the longest that fits is meant."""
    full = {name for group in groups for name in group.contenders}
    poolings = {contender.key.pooling for group in groups for contender in group.contenders.values()}
    names = {"name": full | poolings, "data": {group.data for group in groups}}
    asked: dict[str, str] = {}
    rest = f"{words}:"
    while rest:
        left = [(name, kind) for kind, several in names.items() if kind not in asked for name in several]
        fitting = [(name, kind) for name, kind in left if rest.startswith(f"{name}:")]
        if not fitting:
            valid = [name for name, kind in left if name in full or (kind == "data" and len(names[kind]) > 1)]
            raise UserError(f"{typed_name(study)} has no finished {rest[:-1]!r}; {nearest(rest[:-1], valid)}")
        name, kind = max(fitting, key=lambda found: len(found[0]))
        asked[kind], rest = name, rest[len(name) + 1 :]
    return asked


def _is_asked(group: Group, asked: Mapping[str, str]) -> bool:
    has_name = "name" not in asked or bool(group.called(asked["name"]))
    return has_name and asked.get("data") in (None, group.data)


def _refits(runs: Sequence[RunRecord], group: Group, contender: Contender) -> tuple[Path, ...]:
    setting = contender.any_run.facts["setting"]

    def fits(run: RunRecord) -> bool:
        same = (ContenderKey.of(run.facts), run.facts["setting"]) == (contender.key, setting)
        return same and Arena.of(run.facts) == group.arena and "outdated" not in run.facts

    found = [run for run in runs if run.finished and run.is_known and run.is_refit and fits(run)]
    newest = sorted(found, key=lambda run: str(run.facts.get("started")), reverse=True)
    return tuple(run.path for run in newest)

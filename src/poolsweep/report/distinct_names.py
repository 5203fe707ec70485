"""Tells data sets and encoders apart by their content: names differ where contents do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

Facts = Mapping[str, Any]
_KINDS = ("data", "encoder")


def distinct_names(records: Sequence[Facts]) -> list[Facts]:
    """Give every content one name of its own, and mark the runs on a content that was replaced where it lay.

    A record tells a name (``data``), a content (``data_id``) and the paths it was read from (``data_place``); the same
    for ``encoder``. Contents of one name that lay at different paths are called by as much of the paths as it takes.
    One content that has several names, as a file copied into another folder has, is called by that of its first run.
    Of contents that lay at the same path the one that was run last counts; the runs on the others say ``outdated``.

    Args:
        records: What result.json or status.json of each run holds.
    """
    found = list(records)
    for kind in _KINDS:
        names = _first_names(found, kind)
        found = [
            {**facts, kind: names[str(facts[f"{kind}_id"])]} if _is_told(facts, kind) else facts for facts in found
        ]
        by_name: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for i, facts in enumerate(found):
            if facts.get(f"{kind}_id"):
                by_name[str(facts.get(kind))][str(facts[f"{kind}_id"])].append(i)
        for name, contents in by_name.items():
            if len(contents) > 1:
                told = _told(name, {c: [found[i] for i in several] for c, several in contents.items()}, kind)
                for content, several in contents.items():
                    for i in several:
                        found[i] = {**found[i], **told[content]}
    return found


def _first_names(records: Sequence[Facts], kind: str) -> dict[str, Any]:
    """Content → the name that the run which began first gave it."""
    names: dict[str, Any] = {}
    told = [facts for facts in records if _is_told(facts, kind)]
    for facts in sorted(told, key=lambda facts: str(facts.get("started"))):
        names.setdefault(str(facts[f"{kind}_id"]), facts[kind])
    return names


def _is_told(facts: Facts, kind: str) -> bool:
    return bool(facts.get(kind) and facts.get(f"{kind}_id"))


def _told(name: str, contents: Mapping[str, Sequence[Facts]], kind: str) -> Mapping[str, Facts]:
    """Content → what its records are to say."""
    old = _replaced(contents, kind)
    current = {content: _place(several[-1], kind) for content, several in contents.items() if content not in old}
    names = _names(name, current)
    outdated = {content: {kind: names[later], "outdated": kind} for content, later in old.items()}
    return {content: {kind: names[content]} for content in current} | outdated


def _replaced(contents: Mapping[str, Sequence[Facts]], kind: str) -> dict[str, str]:
    """Content → the one that took its place at the same path."""
    stands_at: dict[tuple[str, ...], str] = {}
    for content in sorted(contents, key=lambda content: max(str(facts.get("started")) for facts in contents[content])):
        stands_at |= {_place(facts, kind): content for facts in contents[content]}
    old = {}
    for content, several in contents.items():
        later = [stands_at[place] for place in dict.fromkeys(_place(facts, kind) for facts in several) if place]
        if later and content not in later:
            old[content] = later[-1]
    return {content: _last(later, old) for content, later in old.items()}


def _last(content: str, old: Mapping[str, str]) -> str:
    while content in old:  # ends: each is of a later start than the one before
        content = old[content]
    return content


def _place(facts: Facts, kind: str) -> tuple[str, ...]:
    place = facts.get(f"{kind}_place")
    return tuple(map(str, place)) if isinstance(place, list) else ()


def _names(name: str, places: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Content → name, with as many parts of its paths as tell it from the others."""
    if len(places) < 2:
        return dict.fromkeys(places, name)
    for which in range(max(map(len, places.values()))):
        paths = {content: _parts(place[which], name) if which < len(place) else () for content, place in places.items()}
        for count in range(1, max(map(len, paths.values())) + 1):
            ends = {content: "/".join(parts[-count:]) for content, parts in paths.items()}
            if _all_differ(ends.values()):
                return {c: end if end.endswith(name) else f"{name} ({end})" for c, end in ends.items()}
    return {content: f"{name} ({content[:6]})" for content in places}


def _parts(path: str, name: str) -> tuple[str, ...]:
    """A path's parts, up to the one that the name was made of where it was made of one."""
    parts = (*PurePath(path).parts[:-1], PurePath(path).stem)
    return parts[: len(parts) - parts[::-1].index(name)] if name in parts else parts


def _all_differ(names: Iterable[str]) -> bool:
    found = list(names)
    return all(found) and len(set(found)) == len(found)

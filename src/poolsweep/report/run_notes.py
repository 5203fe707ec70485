"""Sentences about the runs of a report: what their seeds are, which are missing, how busy the machine was."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from poolsweep.report.comparison import Comparison
from poolsweep.report.config_differences import config_differences
from poolsweep.report.results import DAMAGED, RunRecord, damaged_note
from poolsweep.runs.record_fields import REPLICATES

_NAMED = 5
_SAME = 1e-6  # largest difference between equal metrics
_WAITED = 2.0  # times its CPU seconds that a run takes where it waits for others


def what_seeds_are(comparison: Comparison) -> str | None:
    """A sentence where seeds vary something else than training, else None."""
    return seeds_note([run.facts for c in comparison.group.contenders.values() for run in c.runs.values()])


def unfinished(runs: Sequence[RunRecord]) -> str:
    """Sentences about runs that are damaged, and that have no result, with the reason of the first that failed."""
    damaged = damaged_note(runs)
    left = [run for run in runs if not run.finished and run.state != DAMAGED]
    if not left:
        return damaged
    states = ", ".join(f"{count} {state}" for state, count in Counter(run.state for run in left).items())
    reason = next((f"; {run.facts.get('name')}: {run.facts['reason']}" for run in left if run.facts.get("reason")), "")
    have = f"{len(left)} of {len(runs)} runs {'has' if len(left) == 1 else 'have'}"
    return f"{damaged} {have} no result ({states}{reason}).".strip()


def seeds_note(results: Sequence[Mapping[str, Any]]) -> str | None:
    """A sentence for below a leaderboard, or None where seeds are those of training.

    Args:
        results: Contents of ``result.json``.
    Example:
        >>> seeds_note([{"seeds_are": "bootstrap samples of the training rows"}])
        'Seeds are bootstrap samples of the training rows.'
        >>> seeds_note([{"seed": 0}]) is None
        True
    """
    found = [result.get("seeds_are") for result in results]
    kinds = dict.fromkeys(kind for kind in found if kind)
    if not kinds:
        return None
    where = "" if all(found) else f" in {sum(map(bool, found))} of {len(found)} runs"
    return f"Seeds are {' or '.join(kinds)}{where}."


def load_note(comparison: Comparison) -> str | None:
    """What to say where runs waited for the CPU much of their time, so that seconds show load rather than a pooling."""
    for name in comparison.names:
        contender = comparison.contender(name)
        seconds, cpu = contender.typical("seconds"), contender.typical("cpu_seconds")
        on_cpu = (contender.any_run.facts.get("hardware") or {}).get("accelerator") == "cpu"
        if on_cpu and seconds > max(_WAITED * cpu, cpu + 1):
            return (
                f"Seconds a run are of a machine that was busy: {name} took {seconds:.1f} s for {cpu:.1f} s of CPU. "
                "Compare cpu_seconds (runs.parquet, and the figure of cost)."
            )
    return None


def code_of(facts: Mapping[str, Any]) -> str | None:
    """The commit that a run was made from, with a hash of what was not committed; None outside a checkout."""
    commit, changes = facts.get("git_commit"), facts.get("git_changes")
    return f"{commit} {changes}" if commit and changes else commit


def copies_notes(comparison: Comparison) -> list[tuple[bool, str]]:
    """A sentence about runs that two studies have with different results, and whether the compared metric is one."""
    metric = f"test/{comparison.metric}"
    told: dict[bool, list[str]] = {True: [], False: []}
    for name in comparison.names:
        for replicate, run in sorted(comparison.contender(name).runs.items()):
            for other in run.copies:
                if differing := _differing_metrics(run, other):
                    key = metric if metric in differing else differing[0]
                    who = f"{name} {comparison.group.wording.listed([replicate])}"
                    values = (
                        f"{run.metric(key):.6g} in {run.path.parent}, {other.metric(key):.6g} in {other.path.parent}"
                    )
                    told[key == metric].append(f"{who} ({key} {values})")
    return [
        (serious, f"Run twice, with different results: {_some(listed)}. The study named first counts.")
        for serious, listed in told.items() if listed
    ]  # fmt: skip


def _differing_metrics(run: RunRecord, other: RunRecord) -> list[str]:
    names = {str(name): None for facts in (run.facts, other.facts) for name in facts.get("metrics") or {}}
    pairs = {name: (run.metric(name), other.metric(name)) for name in names if name.startswith(("test/", "val/"))}
    return [
        name for name, (one, two) in pairs.items()
        if not math.isclose(one, two, rel_tol=_SAME, abs_tol=_SAME) and not (math.isnan(one) and math.isnan(two))
    ]  # fmt: skip


def stray_notes(comparison: Comparison) -> list[str]:
    """A sentence about runs that count nowhere: another setting made them, on replicates that the chosen one lacks."""
    listed = []
    for name in comparison.names:
        contender = comparison.contender(name)
        if not (strays := contender.strays):
            continue
        differ = " and ".join(_differing_keys([contender.any_run, *strays])) or "its setting"
        replicates = [comparison.group.replicates[run.path.name] for run in strays]
        listed.append(f"{name} {comparison.group.wording.listed(replicates)} (differs in {differ})")
    return [f"Not counted, for it is another setting: {_some(listed)}."] if listed else []


def _differing_keys(runs: Sequence[RunRecord]) -> list[str]:
    """Config keys that some runs of a contender do not share; the accelerator also where each machine chose its own."""
    keys = {key for values in config_differences(runs).values() for key in values} - set(REPLICATES)
    accelerators = {(run.facts.get("hardware") or {}).get("accelerator") for run in runs}
    return sorted(keys | {"trainer.accelerator"} if len(accelerators) > 1 else keys)


def _some(listed: Sequence[str]) -> str:
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return f"{'; '.join(listed[:_NAMED])}{more}"

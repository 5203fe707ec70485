"""Sentences about the runs of a report: what their seeds are, which are missing, how busy the machine was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from poolsweep.report.comparison import Comparison
from poolsweep.report.results import DAMAGED, RunRecord, damaged_note

_BASES = {
    "one seed": "One seed says nothing of what another would give: there is no interval and no verdict.",
    "seeds": "No predictions were found: differences rest on the seeds alone, and leave out the noise of the texts.",
    "nothing": "No two poolings share two seeds, and there are no predictions: no difference can be told from noise.",
}
_COUNTS = {"missing replicates", "unequal replicates", "few replicates"}
_FEW_SPLITS = 5
_MUCH_CUT = 0.2  # share of the test texts
_WAITED = 2.0  # times its CPU seconds that a run takes where it waits for others

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

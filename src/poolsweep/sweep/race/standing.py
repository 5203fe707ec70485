"""Where a race stands: the verdict that a report would give now, and how likely further seeds are to change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from poolsweep.report.contenders import Contender, group_runs
from poolsweep.report.predictions import read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.statistics import Scores, align_scores, metric_scores, share_rows
from poolsweep.sweep.race.field import Entrant
from poolsweep.sweep.race.forecast import Forecast, forecast


def standing(
    started: Mapping[Entrant, int], *, racing: Sequence[Entrant], planned: int, metric: str, level: float
) -> dict[Entrant, tuple[Forecast, float]]:
    """Forecast and mean test score of those whose verdict can be told.

    A pooling with several settings left is not among them, because it is open which of them will speak for it; neither
    is one that lacks a run. There is nobody where runs were tested on rows of their own, or have no predictions.

    Args:
        started: All of one data set and encoder, with how many seeds of each count.
        racing: Those that have not been dropped.
        planned: Seeds of the full grid.
        metric: accuracy, f1_macro or mcc.
        level: Of the verdict.
    """
    records = {entrant: _finished(entrant, count) for entrant, count in started.items()}
    scores = _scores([run for runs in records.values() for run in runs], metric)
    several = Counter(entrant.pooling for entrant in racing)
    told = {
        e.pooling: e
        for e in racing
        if several[e.pooling] == 1 and len(records[e]) == started[e] > 1 and _speaks(scores.get(e.pooling), records[e])
    }
    known = {name: one for name, (one, _) in scores.items() if len(one.seeds) > 1}
    if len(told) < 2:
        return {}
    found = forecast(known, left=list(told), planned=planned, level=level)
    return {told[name]: (one, known[name].mean) for name, one in found.items()}


def _finished(entrant: Entrant, count: int) -> list[RunRecord]:
    folders = [entrant.runs[place] for place in range(count) if place in entrant.runs]
    results = [(folder, folder.finished()) for folder in folders]
    return [RunRecord(folder.path, facts) for folder, facts in results if facts is not None]


def _scores(runs: Sequence[RunRecord], metric: str) -> dict[str, tuple[Scores, Contender]]:
    """Of each pooling, of the setting that the report would choose; nothing where rows are not the same."""
    [group] = group_runs(runs, metric=f"test/{metric}") or [None]
    if group is None:
        return {}
    read = {
        name: {seed: read_predictions(run) for seed, run in contender.runs.items()}
        for name, contender in group.contenders.items()
    }
    whole = {
        name: {seed: one for seed, one in by_seed.items() if one is not None}
        for name, by_seed in read.items()
        if None not in by_seed.values()
    }
    rows = dict(enumerate(one.row_ids for by_seed in whole.values() for one in by_seed.values()))
    if not rows or not share_rows(rows):
        return {}
    return {
        name: (
            align_scores({s: (p.row_ids, metric_scores(metric, p.labels, p.predicted)) for s, p in by_seed.items()}),
            group.contenders[name],
        )
        for name, by_seed in whole.items()
    }


def _speaks(found: tuple[Scores, Contender] | None, runs: Sequence[RunRecord]) -> bool:
    """Whether what the report would read of a pooling is this setting, with all its seeds."""
    return found is not None and {run.path for run in found[1].runs.values()} == {run.path for run in runs}

"""Part E: does the winner change with the metric, the split seed, or k-fold?

A line of results/winners.csv is a data set, a way of dividing its rows and a metric: who has the best mean, by how
much, how many could be the best, and on how many of the single splits it is that one that comes first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from poolsweep.metric_names import sign
from poolsweep.report.comparison import Comparison

HEAD = (
    "study", "data", "division", "metric", "splits", "winner", "second", "margin", "tied", "first_on", "winners",
)  # fmt: skip


def winner(study: str, found: Comparison) -> tuple[object, ...]:
    """The line of a comparison.

    Args:
        study: Name of the study, which ends with the way of dividing rows.
        found: Contenders by the splits that all of them have.
    """
    best, second = found.names[:2]
    turn = sign(found.metric)
    shared = set.intersection(*(set(own) for own in found.values.values()))
    first = Counter(max(found.names, key=lambda name: turn * found.values[name][one]) for one in shared)
    margin = 100 * turn * (found.summaries[best].mean - found.summaries[second].mean)
    told = (len(shared), best, second, f"{margin:z.3f}", len(found.leading), first[best], len(first))
    return (study, found.group.arena.data, study.rpartition("-")[2], found.metric, *told)


def sentence(lines: Sequence[dict[str, str]]) -> str:
    """What the lines of winners.csv say together."""
    if not lines:
        return "Not measured.\n"
    by_set: dict[str, list[dict[str, str]]] = defaultdict(list)
    for line in lines:
        by_set[line["data"]].append(line)
    by_metric = _changes(by_set.values(), "metric", "division")
    by_division = _changes(by_set.values(), "division", "metric")
    splits, first = (sum(int(line[key]) for line in lines) for key in ("splits", "first_on"))
    return (
        f"The winner changes with the metric in {by_metric[0]} of {by_metric[1]} cases (a set, divided in one way), "
        f"and between split seeds and folds in {by_division[0]} of {by_division[1]} (a set, by one metric). "
        f"A single split names the winner of all in {100 * first / splits:.0f}% of cases.\n"
    )


def _changes(sets: Iterable[Sequence[dict[str, str]]], varied: str, held: str) -> tuple[int, int]:
    """How often the winner differs along one column, and of how many cases: a set and a value of another column."""
    cases: list[set[str]] = []
    for lines in sets:
        own: dict[str, dict[str, str]] = defaultdict(dict)
        for line in lines:
            own[line[held]][line[varied]] = line["winner"]
        cases += [set(one.values()) for one in own.values() if len(one) > 1]
    return sum(len(one) > 1 for one in cases), len(cases)


def table(lines: Sequence[dict[str, str]]) -> str:
    """The lines of winners.csv as a table."""
    rows = ["| set | divided by | metric | winner | before the second | could be best | first on |"]
    rows += ["|---|---|---|---|---:|---:|---:|"]
    for one in lines:
        told = f"{one['winner']} | {float(one['margin']):.2f} | {one['tied']} | {one['first_on']} of {one['splits']}"
        rows.append(f"| {one['data']} | {one['division']} | {one['metric']} | {told} |")
    return "\n".join([*rows, ""])

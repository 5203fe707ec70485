"""One look: the predictions of the rounds so far in, who is out of the race."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolsweep.report.predicted import Predicted, read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.statistics import Scores, align_scores, metric_scores, share_rows
from poolsweep.sweep.race.field import Entrant
from poolsweep.sweep.race.rule import Out, hopeless, hopeless_nested


def look(racing: Sequence[Entrant], *, rounds: int, metric: str, level: float) -> dict[Entrant, Out]:
    """Who of one data set and encoder cannot be the best, by what was predicted on the validation split.

    Those that lack a finished run in one of the rounds are neither compared nor dropped.

    Args:
        racing: Those still in the race.
        rounds: How many have been run.
        metric: accuracy, f1_macro or mcc.
        level: Of this look.
    """
    complete: dict[Entrant, list[RunRecord]] = {}
    for entrant in racing:
        folders = [entrant.runs[place] for place in range(rounds) if place in entrant.runs]
        results = [(folder, folder.finished()) for folder in folders]
        found = [RunRecord(folder.path, facts) for folder, facts in results if facts is not None]
        if len(found) == rounds:
            complete[entrant] = found
    read = {entrant: [read_predictions(run, split="validation") for run in runs] for entrant, runs in complete.items()}
    whole = {e: [p for p in parts if p is not None] for e, parts in read.items() if None not in parts}
    numbered = dict(enumerate(whole))
    if len(numbered) < 2:
        return {}
    rows = dict(enumerate(predicted.row_ids for parts in whole.values() for predicted in parts))
    if share_rows(rows):
        scores = {str(i): _scores(whole[entrant], metric) for i, entrant in numbered.items()}
        out = hopeless(scores, level=level)
    else:
        per_text = {str(i): _by_split(whole[entrant], metric) for i, entrant in numbered.items()}
        ratio = _validation_to_train(complete[numbered[0]][0])
        out = hopeless_nested(per_text, test_to_train=ratio, level=level)
    return {numbered[int(i)]: _named(one, numbered) for i, one in out.items()}


def _scores(parts: Sequence[Predicted], metric: str) -> Scores:
    return align_scores(
        {place: (p.row_ids, metric_scores(metric, p.labels, p.predicted)) for place, p in enumerate(parts)}
    )


def _by_split(parts: Sequence[Predicted], metric: str) -> dict[str, NDArray[np.float64]]:
    """The score of each text on each split, the mean over its seeds."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for p in parts:
        found.setdefault(p.rows_hash, []).append(metric_scores(metric, p.labels, p.predicted))
    return {split: np.mean(scores, axis=0) for split, scores in found.items()}


def _validation_to_train(run: RunRecord) -> float:
    sizes = run.facts.get("sizes") or {}
    return sizes.get("validation", 0) / max(sizes.get("train", 1), 1)


def _named(out: Out, numbered: Mapping[int, Entrant]) -> Out:
    return Out(numbered[int(out.behind)].name, out.gap, out.p_value)

"""Part D: how scores change with the length of a text, and with where it is cut.

results/lengths.csv has a line for each data set of part A with labels, pooling and range of lengths: how many test
texts there are, and how many of them are right, in percent of all seeds. Lengths are tokens as the encoder read them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from poolsweep.report.comparison import Comparison
from poolsweep.statistics import t_estimate

HEAD = ("data", "low", "high", "texts", "contender", "right")
RANGES = ((1, 10), (11, 20), (21, 40), (41, 80), (81, 128))
SHOWN = ("cls", "masked_mean", "max", "last4_concat", "cls_second_to_last")
PAIRS = (("masked_mean", "cls"), ("max", "masked_mean"), ("last4_concat", "masked_mean"), ("cls_second_to_last", "cls"))
FEWEST = 50


def lengths(found: Comparison) -> Iterator[tuple[object, ...]]:
    """The lines of a comparison; none where its task knows no right or wrong.

    Args:
        found: Contenders on whole texts.
    """
    for name in SHOWN:
        own = [*found.predictions.get(name, {}).values()]
        known = [one.right for one in own if one.right is not None]
        if not known or own[0].tokens is None:
            continue
        right = np.mean(np.stack(known), axis=0)
        for low, high in RANGES:
            chosen = (own[0].tokens >= low) & (own[0].tokens <= high)
            if chosen.any():
                told = (int(chosen.sum()), name, f"{100 * right[chosen].mean():.2f}")
                yield found.group.arena.data, low, high, *told


def table(lines: Sequence[dict[str, str]], sets: Sequence[str]) -> str:
    """Differences by range of lengths: means over the sets that have enough texts of it, and Student's interval.

    Args:
        lines: Lines of lengths.csv.
        sets: Those that count.
    """
    scores: dict[tuple[int, str, str], float] = {
        (int(one["low"]), one["data"], one["contender"]): float(one["right"])
        for one in lines if one["data"] in sets and int(one["texts"]) >= FEWEST
    }  # fmt: skip
    rows = ["| tokens | sets | " + " | ".join(f"{one} − {other}" for one, other in PAIRS) + " |"]
    rows += ["|---|---:|" + "---:|" * len(PAIRS)]
    for low, high in RANGES:
        by_set = {data for at, data, _ in scores if at == low}
        if len(by_set) > 1:
            cells = [_difference(scores, low, *pair) for pair in PAIRS]
            rows.append(f"| {low} to {high} | {len(by_set)} | {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def _difference(scores: dict[tuple[int, str, str], float], low: int, name: str, other: str) -> str:
    own: dict[str, dict[str, float]] = defaultdict(dict)
    for (at, data, contender), score in scores.items():
        if at == low:
            own[data][contender] = score
    gaps = np.array([one[name] - one[other] for one in own.values() if {name, other} <= one.keys()])
    if len(gaps) < 2:
        return "–"
    found = t_estimate(float(gaps.mean()), float(gaps.var(ddof=1)) / len(gaps), len(gaps) - 1)
    return f"{found.value:+.1f} ({found.low:.1f} to {found.high:.1f})".replace("-", "−")

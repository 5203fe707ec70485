"""Other views of the differences to the baseline: without a distribution, and in units of their spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

from poolsweep.report.comparison import Comparison
from poolsweep.statistics import (
    BootstrapInterval,
    EffectSize,
    SignFlip,
    effect_size,
    paired_differences,
    sign_flip_test,
    two_way_bootstrap,
)
from poolsweep.terminal.text import number

_DRAWS = 20_000_000  # texts drawn for one bootstrap: large test sets get fewer resamples
_FEWEST, _MOST = 200, 2000  # resamples


@dataclass(frozen=True)
class Companion:
    """One contender minus the baseline.

    Attributes:
        name: The contender.
        bootstrap: Over seeds and texts.
        signs: The exact sign-flip test over seeds; None with fewer than two paired seeds.
        effect: Sizes and win shares.
    """

    name: str
    bootstrap: BootstrapInterval
    signs: SignFlip | None
    effect: EffectSize

    @property
    def hedges_g(self) -> str:
        """As it is written: nothing where it is not known."""
        g = self.effect.hedges_g
        return "–" if math.isnan(g) else number(g, "+z.2f")

    @property
    def hedges_g_for_sorting(self) -> str:
        """As JavaScript reads it; empty where it is not known."""
        g = self.effect.hedges_g
        return "" if math.isnan(g) else str(g)


def companions(comparison: Comparison) -> list[Companion]:
    """One for each contender that is compared with the baseline, best first; none without predictions."""
    base = comparison.scores.get(comparison.baseline or "")
    if base is None:
        return []
    found = []
    for name in comparison.names:
        table = paired_differences(comparison.scores[name], base) if name in comparison.scores else None
        if name == comparison.baseline or name not in comparison.against or table is None or table.shape[1] < 2:
            continue
        resamples = min(max(_DRAWS // table.shape[1] // max(len(comparison.names), 1), _FEWEST), _MOST)
        signs = sign_flip_test(table.mean(axis=1)) if len(table) > 1 else None
        found.append(Companion(name, two_way_bootstrap(table, resamples=resamples), signs, effect_size(table)))
    return found

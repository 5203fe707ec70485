"""Does the best column depend on the row? Encoders by poolings, tested for what their sums do not explain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from poolsweep.statistics.difference import Covered
from poolsweep.statistics.estimate import MAX_DF
from poolsweep.statistics.joint import JointNoise, noise_of_means, noise_over_splits
from poolsweep.statistics.resampling import Resampling
from poolsweep.statistics.scores import Scores

Cell = tuple[str, str]


@dataclass(frozen=True)
class Interaction:
    """The test that the score of each cell is a sum of one number for its row and one for its column.

    Attributes:
        statistic: F.
        df: First degrees of freedom of F, after Box's correction.
        error_df: Second degrees of freedom of F.
        p_value: Probability of such an F or more without interaction; nan where one seed tells nothing of others.
        num_contrasts: Independent contrasts that are tested; (rows − 1)(columns − 1) of a full table.
        departures: By cell, its mean minus what the best sum explains.
        covers: What the test speaks of: other seeds, texts, splits.
    """

    statistic: float
    df: float
    error_df: float
    p_value: float
    num_contrasts: int
    departures: Mapping[Cell, float]
    covers: tuple[Covered, ...]


def interaction_test(
    cells: Mapping[Cell, Scores | Mapping[Hashable, Scores]], resampling: Resampling | None = None
) -> Interaction | None:
    """Tests whether differences between columns are the same in all rows, over other seeds and texts (and splits).

    With m the K means and Q the projection on what rows and columns do not explain,

        F = m'Qm / tr(QΣ),    df = tr(QΣ)² / tr(QΣQΣ),

    Σ the covariance of the means with the same components as a difference. The error's degrees of freedom are
    Satterthwaite's. Cells may be missing; then what is left of the table is tested. Seeds (and splits) that all cells
    have are used.

    Args:
        cells: Scores by (row, column), or by split where there are several.
        resampling: How the splits were drawn; only with splits.

    Shape:
        scores (S, N), over the same row ids in any order.

    Returns:
        None where the table leaves nothing to test (one row or column, too many holes), or the cells share no seed.

    Raises:
        ValueError: If cells were tested on different rows, or ``resampling`` is given without splits or missing.

    Reference:
        Brunner, Dette, Munk (1997), "Box-type approximations in nonparametric factorial designs", JASA 92(440); Box
        (1954), "Some theorems on quadratic forms applied in the study of analysis of variance problems, II", Annals of
        Mathematical Statistics 25(3). Differs: two crossed random factors, by quasi-F (Clark 1973, "The
        language-as-fixed-effect fallacy").

    Example:
        >>> generator = np.random.default_rng(0)
        >>> def scored(mean):
        ...     return Scores(mean + generator.normal(size=(3, 200)), seeds=(0, 1, 2), row_ids=range(200))
        >>> means = {("a", "cls"): 0, ("a", "mean"): 1, ("b", "cls"): 1, ("b", "mean"): 0}
        >>> found = interaction_test({cell: scored(mean) for cell, mean in means.items()})
        >>> found.num_contrasts, found.p_value < 0.001
        (1, True)
    """
    names = list(cells)
    project = _beyond_sums(names)
    num_contrasts = round(float(np.trace(project)))
    if num_contrasts == 0:
        return None
    noise = _noise(list(cells.values()), resampling)
    if noise is None:
        return None
    left = project @ noise.means
    departures = dict(zip(names, left.tolist(), strict=True))
    total, df, error_df = noise.along(project)
    if not noise.covers or not total > 0:
        return Interaction(np.nan, np.nan, np.nan, np.nan, num_contrasts, departures, noise.covers)
    statistic = float(left @ left) / total
    p_value = float(fdtrc(df, min(error_df, MAX_DF), statistic))
    return Interaction(statistic, df, error_df, p_value, num_contrasts, departures, noise.covers)


def _beyond_sums(cells: Sequence[Cell]) -> NDArray[np.float64]:
    """The projection on what no sum of a row's and a column's number explains, (K, K)."""
    design = np.concatenate(
        [
            [[cell[side] == name for name in sorted({cell[side] for cell in cells})] for cell in cells]
            for side in (0, 1)
        ],
        axis=1,
    ).astype(float)
    return np.eye(len(cells)) - design @ np.linalg.pinv(design)


def _noise(cells: Sequence[Scores | Mapping[Hashable, Scores]], resampling: Resampling | None) -> JointNoise | None:
    plain = [cell for cell in cells if isinstance(cell, Scores)]
    if len(plain) == len(cells) and resampling is None:
        return noise_of_means(plain)
    by_split = [cell for cell in cells if not isinstance(cell, Scores)]
    if len(by_split) != len(cells) or resampling is None:
        raise ValueError("several splits need all cells by split, and how the splits were drawn")
    return noise_over_splits(by_split, resampling)

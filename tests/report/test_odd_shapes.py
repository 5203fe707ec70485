"""Half-done studies: no, one or two seeds on either side, no, one or two texts, and labels with one text."""

from __future__ import annotations

import io
import itertools
import re

import pytest
from studies import write_run

from poolsweep.report.answer import answers
from poolsweep.report.cautions import cautions
from poolsweep.report.charts.errors import slices
from poolsweep.report.command import report
from poolsweep.report.findings import companions
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.report.settling import what_would_settle
from poolsweep.report.tables import latex, markdown
from poolsweep.terminal.console import Console

SHAPES = [
    shape
    for shape in itertools.product((0, 1, 2), (1, 2, 3), (0, 2), (0, 1, 2, 5), (False, True))
    if shape[0] or not shape[2]
]
ZERO_WIDTH = re.compile(r"\[([+−]?\d+\.\d+), \1\]|([+−]\d+\.\d\d) to \2|± 0\.00")
ODD = re.compile(r"(?<![a-z])(nan|inf)(?![a-z])|[-−]0\.00\b(?!\d)")


def write(study, shape):
    """``cls`` and ``max`` with some seeds each, those of ``max`` moved; so many texts; whether nothing is random."""
    base, others, moved, texts, fixed = shape
    name = "d" + "".join(map(str, map(int, shape)))
    facts = {"seeds_are": None} if fixed else {}
    seeds = {"cls": range(base), "max": range(moved, moved + others), "elmo": range(2)}
    for pooling, several in seeds.items():
        for seed in several:
            write_run(study, pooling=pooling, seed=seed, data=name, num_texts=max(texts, 1), predictions=texts > 0,
                      skill=0.9 if pooling == "max" else 0.4, **facts)  # fmt: skip


def test_all_that_is_said_of_every_shape(outputs):
    for shape in SHAPES:
        write(outputs / "s", shape)
    comparisons = compare_all(load_runs([outputs / "s"]))
    assert len(comparisons) == len(SHAPES)
    for comparison in comparisons:
        cut = slices(comparison, comparison.names[0], comparison.baseline, lengths=None, unit="")
        told = "\n".join([*answers(comparison), *(s for _, s in cautions(comparison)), *what_would_settle(comparison),
                          latex(comparison), markdown(comparison)])  # fmt: skip
        where = (comparison.group.data, told)
        assert not ZERO_WIDTH.search(told), where
        assert not ODD.search(told), where
        assert not any(one.low == one.high for one in cut), where
        assert all(one.effect.seed_win_share == one.effect.seed_win_share for one in companions(comparison))
        fixed = {name for name, scores in comparison.scores.items() if scores.deterministic}
        lonely = [name for name, values in comparison.values.items() if len(values) < 2 and name not in fixed]
        if lonely:
            assert comparison.star is None, where
            assert not set(lonely) & set(comparison.leading), where


@pytest.mark.parametrize("metric", ["accuracy", "mcc"])
def test_the_whole_report_of_some(outputs, metric):
    """A pair without shared seeds and one text; one seed against two; texts of one label; nothing random."""
    for shape in ((2, 2, 2, 1, False), (1, 2, 0, 5, False), (1, 1, 0, 2, True)):
        write(outputs / "s", shape)
    out = io.StringIO()
    page = report(
        ["s"], baseline="cls", metric=metric, out=None, with_texts=False, console=Console(file=out, width=120)
    )
    text = re.sub(r"<(svg|script|style).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for where in (out.getvalue(), re.sub(r"<[^>]+>", "", text), (page.parent / "leaderboard.csv").read_text()):
        assert not ODD.search(where), ODD.search(where)
        assert not ZERO_WIDTH.search(where), ZERO_WIDTH.search(where)

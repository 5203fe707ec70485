"""The leaderboard for papers: LaTeX with booktabs, and Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from poolsweep.report.answer import contender_noun, split_noun
from poolsweep.report.comparison import Comparison
from poolsweep.report.leaderboard import Row, leaderboard
from poolsweep.report.metric import p_text, shown, signed, title
from poolsweep.report.serving import COLUMNS, serving_cells, serving_note, was_measured

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "±": r"$\pm$", "<": r"\textless{}", ">":
    r"\textgreater{}", "·": r"$\cdot$", "×": r"$\times$", "Δ": r"$\Delta$", "–": "--",
}  # fmt: skip


def latex(comparison: Comparison) -> str:
    """A table for ``\\usepackage{booktabs}``; bold where a pooling could be the best."""
    rows = leaderboard([comparison])
    lines = [
        r"\begin{table}", r"\centering", f"\\caption{{{_escape(_caption(comparison))}}}", r"\begin{tabular}{lrrrr}",
        r"\toprule", f"{_capitalised(contender_noun(comparison))} & "
        f"{_escape(_capitalised(title(comparison.metric)))} & "
        f"{_escape(_delta(comparison))} & Adjusted $p$ & Dims \\\\", r"\midrule",
    ]  # fmt: skip
    for row in rows:
        score = _escape(_score(row, comparison.metric))
        name = _escape(row.name)
        bold = (lambda text: f"\\textbf{{{text}}}") if row.tied else (lambda text: text)
        cells = [bold(name), bold(score), _escape(_difference(row, comparison)), _escape(_p(row))]
        lines.append(" & ".join([*cells, str(row.pooled_size)]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _capitalised(text: str) -> str:
    """The first letter alone: str.capitalize would make F1 f1."""
    return text[:1].upper() + text[1:]


def markdown(comparison: Comparison) -> str:
    """A pipe table; bold where a pooling could be the best."""
    rows = leaderboard([comparison])
    measured = was_measured(rows)
    head = [
        contender_noun(comparison),
        title(comparison.metric),
        _delta(comparison),
        "adjusted p",
        "s/run",
        "trained",
        "dims",
    ]
    head += COLUMNS if measured else ()
    lines = [_escape_pipe(_caption(comparison)), "", _pipe(head), _pipe(["---", *["---:"] * (len(head) - 1)])]
    for row in rows:
        name = f"**{_escape_pipe(row.name)}**" if row.tied else _escape_pipe(row.name)
        lines.append(
            _pipe([name, _score(row, comparison.metric), _difference(row, comparison), _p(row), f"{row.seconds:.1f}",
                   f"{row.parameters:,}", str(row.pooled_size), *(serving_cells(row) if measured else ())])
        )  # fmt: skip
    return "\n".join([*lines, *(["", _escape_pipe(serving_note(rows))] if measured else []), ""])


def _caption(comparison: Comparison) -> str:
    group = comparison.group
    bold = f" Bold: {could_be_best(comparison)}." if comparison.leading else ""
    family = f" {_capitalised(jointly(comparison))}." if comparison.family and comparison.baseline else ""
    title = _one_line(group.title.replace(" · ", ", "))
    return f"{title}: {what_means_are(comparison)}.{family}{bold}"


def what_means_are(comparison: Comparison) -> str:
    """What stands in the column of scores: means and intervals over how many seeds or splits."""
    counts = sorted({summary.num_seeds for summary in comparison.summaries.values()})
    if comparison.splits:
        noun = split_noun(comparison) if counts[-1] != 1 else split_noun(comparison).removesuffix("s")
        known = any(not math.isnan(summary.low) for summary in comparison.summaries.values())
        return f"mean{' ± 95% interval' * known} over {_span(counts)} {noun}"
    if counts[-1] == 1:
        return "one run each"
    return f"mean ± 95% t interval over {_span(counts)} seeds"


def pairing(comparison: Comparison) -> str:
    """What differences are paired by; empty where they are not."""
    found = {"seeds and texts": "seed and text", "texts": "text", "seeds": "seed"}
    found["splits"] = "split, seed and text" if comparison.predictions else "split"
    return found.get(comparison.basis, "")


def _span(counts: Sequence[int]) -> str:
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def jointly(comparison: Comparison) -> str:
    """Which family of differences intervals and p-values belong to."""
    num = len(comparison.compared)
    count = num * (num - 1) // 2
    if count < 2:
        return "interval of the difference and p at 95%"
    return f"intervals of differences and p: all {count} pairs hold together at 95%"


def could_be_best(comparison: Comparison) -> str:
    """What a mark on several poolings, or on one, means."""
    if comparison.star:
        return "best: every other is significantly worse (95%)"
    return "could be the best: one of these is, with 95% confidence"


def _delta(comparison: Comparison) -> str:
    return f"Δ {comparison.baseline} (95% interval)" if comparison.baseline else "Δ"


def _score(row: Row, metric: str) -> str:
    spread = "" if math.isnan(row.score.half_width) else f" ± {shown(row.score.half_width, metric)}"
    return shown(row.score.mean, metric) + spread


def _difference(row: Row, comparison: Comparison) -> str:
    if row.name == comparison.baseline:
        return "baseline"
    d = row.difference
    if d is None:
        return "–"
    value, low, high = (signed(number, comparison.metric) for number in (d.value, d.low, d.high))
    return value if math.isnan(d.low) else f"{value} [{low}, {high}]"


def _p(row: Row) -> str:
    return "" if row.difference is None or math.isnan(row.difference.p_value) else p_text(row.difference.p_value)


def _escape(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in _one_line(text))


def _escape_pipe(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\|*_`<>[]" else c for c in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _pipe(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

"""Writes the page: one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from poolsweep.report.answer import contender_noun, what_intervals_cover
from poolsweep.report.charts.across import Across, sentence
from poolsweep.report.charts.drawing import Drawn
from poolsweep.report.charts.inline import Inliner
from poolsweep.report.charts.style import Chart
from poolsweep.report.config_differences import config_differences
from poolsweep.report.findings import Findings
from poolsweep.report.leaderboard import leaderboard, short_names
from poolsweep.report.learning import learning_cell
from poolsweep.report.metric import METRICS, p_text, shown, signed, title
from poolsweep.report.replicates import Replicate, Wording
from poolsweep.report.results import RunRecord
from poolsweep.report.run_notes import unfinished
from poolsweep.report.serving import COLUMNS, serving_cells, serving_note, was_measured
from poolsweep.report.tables import could_be_best, jointly, latex, markdown, pairing, what_means_are
from poolsweep.runs.record_fields import REGIMES

_WIDE = 5.6  # inches; wider figures take the whole width of a page
_PIXELS = 96  # per inch


@dataclass(frozen=True)
class Figure:
    """A chart as the page shows it."""

    chart: Chart
    svg: Markup
    wide: bool
    pixels: int
    names: Markup


def render(
    findings: Sequence[Findings], *, across: Sequence[tuple[Across, Chart]], drawn: Mapping[Chart, Drawn],
    runs: Sequence[RunRecord], heading: str, made: str, notes: Sequence[str] = (),
) -> str:  # fmt: skip
    """The page as HTML; everything that comes from a run is escaped.

    Args:
        findings: One per data set.
        across: Over data sets, with its figure.
        drawn: The files of a chart.
        runs: All of them, unfinished ones too.
        heading: Names of the studies.
        made: By which version and when.
        notes: Sentences about refits, and about combinations that cannot be.
    """
    script, inliner = _source("tables.js"), Inliner()

    def figure(chart: Chart, panel: str) -> Figure:
        label = f"{chart.title}. {chart.summary}"
        svg = inliner.take(drawn[chart].svg, prefix=f"{panel}-{chart.name}", label=label)
        width = float(chart.figure.get_figwidth())
        names = _names(chart, f"{panel}-{chart.name}")
        return Figure(chart, Markup(svg), width > _WIDE, round(_PIXELS * width), Markup(names))

    over = [(one, sentence(one), figure(chart, f"a{i}")) for i, (one, chart) in enumerate(across)]
    names = short_names([one.comparison for one in findings])
    panels = [
        _panel(one, f"d{i}", [figure(chart, f"d{i}") for chart in one.charts], name=names[i])
        for i, one in enumerate(findings)
    ]
    context = {
        "heading": heading,
        "made": made,
        "script": Markup(script),
        "style": Markup(_source("page.css")),
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "overview": _overview(findings, runs),
        "unfinished": unfinished(runs),
        "notes": notes,
        "across": over,
        "panels": panels,
        "figure_style": Markup(inliner.css()),
        "runs": _runs(runs, findings),
        "metric": findings[0].comparison.metric,
        "metric_title": METRICS[findings[0].comparison.metric].title,
        "shown": shown,
        "learning_cell": learning_cell,
        "signed": signed,
        "p_text": p_text,
        "isnan": math.isnan,
    }
    return _environment().get_template("page.html").render(context)


def _names(chart: Chart, prefix: str) -> str:
    """The left edge of a figure once more, which stays in view where the figure is scrolled; empty if there is none."""
    width, height = 72 * chart.figure.get_size_inches()
    places = [axes.get_position() for axes in chart.figure.axes]
    left, above = min(place.x0 for place in places), 1 - max(place.y1 for place in places)
    if not 0.015 < left < 0.5:
        return ""
    legend = max(above - 8 / height, 0)  # half a line: a number may stand at the upper end of an axis
    return (
        f'<svg class="names" aria-hidden="true" viewBox="0 0 {left * width:.1f} {height:.1f}" '
        f'style="--part: {left:.4f}; --above: {legend:.2%}"><use href="#{prefix}-whole"/></svg>'
    )


def _panel(findings: Findings, place: str, figures: Sequence[Figure], *, name: str) -> dict[str, Any]:
    comparison = findings.comparison
    wide, halves = _arranged(figures)
    best, rows = next(iter(comparison.leading), ""), leaderboard([comparison])
    return {
        "id": place,
        "name": name,
        "findings": findings,
        "comparison": comparison,
        "title": title(comparison.metric),
        "rows": rows,
        "serving": {row.name: serving_cells(row) for row in rows} if was_measured(rows) else {},
        "serving_columns": COLUMNS,
        "serving_note": serving_note(rows),
        "best": best,
        "to_best": {name: comparison.difference(name, best) for name in comparison.compared if best and name != best},
        "means_are": what_means_are(comparison),
        "pairing": pairing(comparison),
        "jointly": jointly(comparison),
        "could_be_best": could_be_best(comparison),
        "covers": what_intervals_cover(comparison),
        "noun": contender_noun(comparison),
        "wide": wide,
        "halves": halves,
        "latex": latex(comparison),
        "markdown": markdown(comparison),
        "label_slices": [s for s in findings.slices if s.kind == "label"],
        "other_slices": [s for s in findings.slices if s.kind != "label"],
        "smaller": [
            _panel(one, f"{place}-s{i}", [], name=str(one.comparison.group.arena.rows))
            for i, one in enumerate(findings.smaller)
        ],
    }


def _arranged(figures: Sequence[Figure]) -> tuple[list[Figure], list[Figure]]:
    """Those that take the whole width, and those that stand two abreast, the tallest first so that columns balance.

    One alone takes the whole width too.
    """
    halves = sorted((one for one in figures if not one.wide), key=lambda one: -one.chart.figure.get_figheight())
    if len(halves) == 1:
        return list(figures), []
    return [one for one in figures if one.wide], halves


def _overview(findings: Sequence[Findings], runs: Sequence[RunRecord]) -> str:
    groups = [f.comparison.group for f in findings]
    data, encoders = dict.fromkeys(g.data for g in groups), dict.fromkeys(e for g in groups for e in g.encoders)
    keys = {contender.key for group in groups for contender in group.contenders.values()}
    counts = sorted({len(values) for f in findings for values in f.comparison.values.values()})
    nouns = {group.wording.noun for group in groups}
    noun = nouns.pop() if len(nouns) == 1 else "replicates"
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    parts = [f"{sum(run.finished for run in runs)} of {len(runs)} runs finished"]
    parts += [_count(len({key.pooling for key in keys}), "pooling")]
    parts += [f"{span} {noun if span != '1' else noun.removesuffix('s')}"]
    parts += [", ".join(data) if len(data) < 4 else _count(len(data), "data set")]
    parts += [", ".join(encoders) if len(encoders) < 4 else _count(len(encoders), "encoder")]
    regimes = sorted({key.regime for key in keys}, key=REGIMES.index)
    parts += [", ".join(regimes)] if len(regimes) > 1 else []
    sizes = {f.comparison.group.arena.rows for one in findings for f in (one, *one.smaller)}
    parts += [_count(len(sizes), "number") + " of training rows"] if len(sizes) > 1 else []
    commits = {str(run.facts["git_commit"])[:7] for run in runs if run.facts.get("git_commit")}
    return " · ".join([*parts, *([f"commit {commits.pop()}"] if len(commits) == 1 else [])])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _runs(runs: Sequence[RunRecord], findings: Sequence[Findings]) -> dict[str, Any]:
    metric = findings[0].comparison.metric
    differing = config_differences(runs)
    columns = list(dict.fromkeys(name for values in differing.values() for name in values))
    told = ("data", "encoder", "regime")
    about = [key for key in told if len({run.facts.get(key) for run in runs if run.is_known}) > 1]
    replicates = {run.path.name: Replicate.of(run) for run in runs if run.is_known}
    wording = Wording.of(replicates.values())
    rows = []
    for run in sorted(runs, key=lambda r: [str(r.facts.get(key, "~")) for key in (*told, "pooling", "seed")]):
        values = differing.get(run.path.name, {})
        rows.append(
            {
                "id": run.path.name,
                "pooling": run.facts.get("pooling") or run.facts.get("name") or "?",
                "replicate": wording.short(replicates[run.path.name]) if run.is_known else "",
                "about": [run.facts.get(key, "") for key in about],
                "state": run.state,
                "reason": run.facts.get("reason") or "",
                "test": run.metric(f"test/{metric}"),
                "validation": run.metric(f"val/{metric}"),
                "seconds": run.facts.get("seconds"),
                "config": [str(values.get(name, "")) for name in columns],
            }
        )
    return {"about": about, "columns": columns, "rows": rows, "noun": wording.noun.removesuffix("s")}


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("poolsweep.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def _source(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]

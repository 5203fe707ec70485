"""``poolsweep report``: the leaderboard in the terminal, a page, and files for papers."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from poolsweep import __version__
from poolsweep.errors import UserError
from poolsweep.files.writing import own_folder, remove_half_written, write_whole
from poolsweep.report.charts.across import Across, across_data_sets, ranks_chart
from poolsweep.report.charts.drawing import Drawn, draw
from poolsweep.report.charts.style import Chart, house_style
from poolsweep.report.comparison import Comparison
from poolsweep.report.findings import Findings, examine
from poolsweep.report.leaderboard import by_size, check_baseline, compare_all, short_names, write_leaderboard
from poolsweep.report.metric import check_metric
from poolsweep.report.page import render
from poolsweep.report.results import RunRecord, damaged_note, load_runs, refit_lines
from poolsweep.report.study import StudyTables
from poolsweep.report.tables import latex, markdown
from poolsweep.report.terminal import print_cautions, print_leaderboards
from poolsweep.runs.locate import find_study
from poolsweep.runs.plan import Skipped, read_skipped
from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import said_if_slow
from poolsweep.terminal.text import in_one_line

_LISTED = 10


def report(
    studies: Sequence[str], *, baseline: str, metric: str | None, out: Path | None, with_texts: bool, console: Console
) -> Path:
    """Compare the runs of some studies; print the answer and write the report.

    Args:
        studies: Names under the output root, or paths.
        baseline: Name of a contender, or of a pooling, that the others are held against.
        metric: A metric of the runs, such as f1_macro; None = the first of theirs.
        out: Folder to write to; None = ``report`` in the first study.
        with_texts: Whether the page may show texts of the test split.
        console: Console to print to.
    Returns:
        The page.
    Raises:
        UserError: If a study or the metric does not exist, or no run has finished.
    """
    if metric is not None:
        check_metric(metric)
    paths = list(dict.fromkeys(find_study(study) for study in studies))
    with said_if_slow("comparing the runs"):
        found = load_runs(paths, with_refits=True)
        runs, refits = [run for run in found if not run.is_refit], refit_lines(found)
        comparisons = compare_all(runs, metric=metric, baseline=baseline)
    if not comparisons:
        why = [damaged_note(runs)] if damaged_note(runs) else []
        raise UserError(
            f"no run of {', '.join(map(str, studies))} has finished{f' with test/{metric}' if metric else ''}", *why
        )
    check_baseline(comparisons, baseline)
    print_leaderboards(comparisons, console=console)
    skipped = [one for path in paths for one in read_skipped(path)]
    for line in (*refits, *skipped_lines(skipped)):
        console.say(line)
    print_cautions(comparisons, runs, console=console)
    folder = out or own_folder(paths[0] / "+".join(["report", *(path.name for path in paths[1:])]))
    heading = ", ".join(path.name for path in paths)
    with said_if_slow("drawing the charts"):
        page = write_report(
            comparisons, runs, folder=folder, heading=heading, with_texts=with_texts, refits=refits, skipped=skipped
        )
    console.print(f"page, tables and figures: {page}", soft_wrap=True)
    return page


def write_report(
    comparisons: Sequence[Comparison],
    runs: Sequence[RunRecord],
    *,
    folder: Path,
    heading: str,
    with_texts: bool,
    refits: Sequence[str] = (),
    skipped: Sequence[Skipped] = (),
) -> Path:
    """Write page, tables, data frames and figures; what stood under the same names is replaced."""
    own_folder(folder / "figures")
    for place in (folder, folder / "figures"):
        remove_half_written(place)
    made = f"poolsweep {__version__}, {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M}"
    with house_style():
        sizes = by_size(comparisons)
        gone = frozenset((one.encoder, one.pooling) for one in skipped)
        findings = [examine(first, smaller=rest, with_texts=with_texts, skipped=gone) for first, *rest in sizes]
        across = [(one, ranks_chart(one)) for one in across_data_sets([first for first, *_ in sizes])]
    charts = [*(chart for _, chart in across), *(chart for one in findings for chart in one.charts)]
    drawn = {chart: draw(chart.figure) for chart in charts}
    notes = [*refits, *skipped_lines(skipped)]
    content = render(findings, across=across, drawn=drawn, runs=runs, heading=heading, made=made, notes=notes)
    _write_figures(folder / "figures", findings, across, drawn=drawn)
    write_leaderboard(folder / "leaderboard.csv", comparisons)
    with write_whole(folder / "runs.parquet") as temporary:
        StudyTables(tuple(runs)).runs.to_parquet(temporary)
    for ending, table in (("tex", latex), ("md", markdown)):
        with write_whole(folder / f"leaderboard.{ending}") as temporary:
            temporary.write_text("\n".join(table(comparison) for comparison in comparisons), encoding="utf-8")
    page = folder / "report.html"
    with write_whole(page) as temporary:
        temporary.write_text(content, encoding="utf-8", errors="backslashreplace")
    return page


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """A line about each combination that cannot be, the first of them if there are many.

    Args:
        skipped: Those of some studies.
    """
    lines = [f"Skipped, for it cannot be: {in_one_line(one.name)}. {in_one_line(one.reason)}" for one in skipped]
    return [*lines[:_LISTED], *([f"{len(lines) - _LISTED} more were skipped."] if len(lines) > _LISTED else [])]


def _write_figures(
    folder: Path,
    findings: Sequence[Findings],
    across: Sequence[tuple[Across, Chart]],
    *,
    drawn: Mapping[Chart, Drawn],
) -> None:
    several = len(across) > 1
    charts: dict[str, Chart] = {
        f"{one.comparisons[0].metric}-{chart.name}" if several else chart.name: chart for one, chart in across
    }
    names = short_names([one.comparison for one in findings])
    for one, name in zip(findings, names, strict=True):
        start = f"{_stem(name)}-" if len(findings) > 1 else ""
        charts |= {f"{start}{chart.name}": chart for chart in one.charts}
    for stem, chart in charts.items():
        with write_whole(folder / f"{stem}.svg") as temporary:
            temporary.write_text(drawn[chart].svg, encoding="utf-8")
        with write_whole(folder / f"{stem}.pdf") as temporary:
            temporary.write_bytes(drawn[chart].pdf)


def _stem(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:60] or "x"

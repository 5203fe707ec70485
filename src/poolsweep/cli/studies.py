"""``poolsweep status``, ``report`` and ``dashboard``: three ways of looking at a study."""

from __future__ import annotations

from pathlib import Path

from poolsweep.cli.arguments import VerbParser
from poolsweep.errors import UserError, did_you_mean
from poolsweep.terminal.progress import loading


def status(arguments: list[str]) -> int:
    """Which runs are finished, running, failed or missing."""
    parser = VerbParser(
        "status", "Which runs are finished, running, failed (and why) or missing; exit status 1 if one failed."
    )
    parser.add_study("studies", nargs="*", note="; or several (default: all studies)")
    parser.add_argument("--watch", action="store_true", help="refresh until every run has ended")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    given = parser.parse_args(arguments)
    from poolsweep.sweep.status_command import run_status

    return run_status(given.studies, watch=given.watch, as_json=given.json)


def report(arguments: list[str]) -> int:
    """The leaderboard, and a page."""
    parser = VerbParser(
        "report",
        "Compares the runs of a study: which pooling is best, and is the difference real? Writes a page "
        "that loads nothing (report.html), tables (csv, LaTeX, Markdown), runs.parquet and figures (SVG, PDF).",
    )
    parser.add_study("studies", nargs="+", note="; or several")
    parser.add_argument(
        "--baseline", default="cls", help="contender that the others are held against, or its pooling (default: cls)"
    )
    parser.add_argument("--metric", help="a metric of the runs, such as f1_macro (default: the first of theirs)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: STUDY/report)")
    parser.add_no_texts()
    given = parser.parse_args(arguments)
    with loading("pandas, scipy and matplotlib"):
        from poolsweep.report.command import report as write_report
        from poolsweep.terminal.console import Console

    write_report(
        given.studies, baseline=given.baseline, metric=given.metric, out=given.out, with_texts=not given.no_texts,
        console=Console(),
    )  # fmt: skip
    return 0


def dashboard(arguments: list[str]) -> int:
    """The report while the sweep runs."""
    parser = VerbParser(
        "dashboard",
        "Serves progress and report of a study to browsers on this machine, refreshed while the sweep "
        "runs. From elsewhere: ssh -L 8765:localhost:8765 HOST.",
    )
    parser.add_study()
    parser.add_argument("--port", type=int, default=8765, help="default: 8765; 0: any that is free")
    parser.add_no_texts()
    given = parser.parse_args(arguments)
    from poolsweep.dashboard.command import dashboard as serve

    return serve(given.study, port=given.port, with_texts=not given.no_texts)


def clean(arguments: list[str]) -> int:
    """What can be removed, and how much it is."""
    parser = VerbParser(
        "clean",
        "Says what can be removed and how much it is; with --yes, removes it. Alone: what later runs make again.",
    )
    parser.add_study(nargs="?", note="; all of it, unless --runs says which of its runs")
    parser.add_argument(
        "--runs", metavar="STATE[,STATE]", default="", help="of STUDY: finished, failed, pruned, interrupted, damaged"
    )
    parser.add_argument("--features", action="store_true", help="stored features of frozen encoders")
    parser.add_argument("--cache", action="store_true", help="rows and tokenised texts in the user's cache")
    parser.add_argument("--yes", action="store_true", help="remove it")
    given = parser.parse_args(arguments)
    if given.runs and given.study is None:
        raise UserError("--runs goes with a STUDY")
    if given.yes and given.study is None and not (given.features or given.cache):
        raise UserError("name what to remove: a STUDY, --features or --cache")
    from poolsweep.runs.locate import find_study
    from poolsweep.sweep.clean import REMOVABLE, run_clean
    from poolsweep.terminal.console import Console

    states = [state for state in REMOVABLE if state in given.runs.split(",")]
    if unknown := sorted(set(filter(None, given.runs.split(","))) - set(states)):
        hint = did_you_mean(unknown[0], REMOVABLE)
        raise UserError(f"--runs takes {', '.join(REMOVABLE)}, got {', '.join(unknown)}{hint}")
    study = None if given.study is None else find_study(given.study, begun=False)
    return run_clean(study, states=states, features=given.features, cache=given.cache, yes=given.yes, console=Console())

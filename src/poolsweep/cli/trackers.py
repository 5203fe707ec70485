"""``poolsweep sync`` and ``wandb-sweep``: what W&B is sent, and what it is told to ask for."""

from __future__ import annotations

from poolsweep.cli.arguments import VerbParser
from poolsweep.cli.quoting import quoted
from poolsweep.errors import UserError


def sync(arguments: list[str]) -> int:
    """Send offline runs, or say which."""
    parser = VerbParser(
        "sync",
        "Says which offline W&B runs of a study would be sent; with --yes, sends them. "
        "Exit status 1 if one could not be sent.",
    )
    parser.add_study()
    parser.add_argument("--yes", action="store_true", help="send them")
    parser.add_argument("--timeout-minutes", type=float, default=10, help="for each run (default: 10)")
    given = parser.parse_args(arguments)
    if given.timeout_minutes <= 0:
        raise UserError(f"--timeout-minutes must be above 0, got {given.timeout_minutes:g}")
    from poolsweep.loggers.sync import sync as send
    from poolsweep.runs.locate import find_study
    from poolsweep.terminal.console import Console

    study = find_study(given.study, begun=False)
    return send(study, send=given.yes, timeout_minutes=given.timeout_minutes, console=Console())


def wandb_sweep(arguments: list[str]) -> int:
    """Print a sweep.yaml."""
    parser = VerbParser(
        "wandb-sweep",
        "Prints a sweep.yaml by which W&B's agents run poolsweep train: values separated by commas are "
        "swept, the other overrides are given to every run.",
    )
    parser.add_argument("overrides", metavar="OVERRIDES", nargs="*", default=[], help="as of poolsweep train -m")
    parser.add_argument("--method", choices=["grid", "random", "bayes"], default="grid", help="default: grid")
    parser.add_argument("--project", default="poolsweep", help="W&B project (default: poolsweep)")
    given = parser.parse_intermixed_args(arguments)
    from poolsweep.cli.wandb_sweep import sweep_yaml

    print(sweep_yaml(quoted(given.overrides), method=given.method, project=given.project), end="")
    return 0

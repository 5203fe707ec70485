"""``poolsweep init``: a small project of one's own."""

from __future__ import annotations

from pathlib import Path

from poolsweep.cli.arguments import VerbParser


def init(arguments: list[str]) -> int:
    """Write a project."""
    parser = VerbParser(
        "init",
        "Writes a small project: an experiment, a pooling of your own, a Slurm profile, a README with the commands.",
    )
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", type=Path, default=Path(), help="default: the present one"
    )
    given = parser.parse_args(arguments)
    from poolsweep.project.make import make_project

    for file in make_project(given.folder):
        print(given.folder / file)
    place = "" if given.folder == Path() else f"cd {given.folder} && "
    print(f"\n{place}poolsweep train -m --config-dir conf experiment=first")
    return 0

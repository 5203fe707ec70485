"""``poolsweep export``: a trained model for other libraries, proven equal."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from poolsweep.cli.arguments import VerbParser
from poolsweep.errors import UserError
from poolsweep.terminal.progress import loading, said_if_slow
from poolsweep.terminal.text import in_one_line, print_problem


def export(arguments: list[str]) -> int:
    """Write a model for another library, and prove it there."""
    from poolsweep.export.formats import NAMES

    parser = VerbParser(
        "export",
        "Writes a trained model for another library. The folder is kept only if the exported model gives what "
        "poolsweep gives, in a process that cannot import poolsweep.",
    )
    parser.add_model(note="; of a pooling with several replicates a refit or a run")
    parser.add_argument("--to", metavar="FORMAT", help=", ".join(NAMES))
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="must not exist, or be empty")
    parser.add_argument("--vectors", action="store_true", help="leave the head out: the model gives pooled vectors")
    parser.add_argument("--int8", action="store_true", help="quantise the weights, and say what it costs")
    parser.add_argument("--proof", type=Path, metavar="FILE", help="rows to prove it on (default: the test rows)")
    parser.add_trust()
    parser.add_argument(
        "--push",
        metavar="REPO",
        help="say what would be sent to user/name on the Hugging Face hub; MODEL may be an export",
    )
    parser.add_argument("--yes", action="store_true", help="send it")
    parser.add_argument("--public", action="store_true", help="make a new repository public (default: private)")
    given = parser.parse_args(arguments)
    _check(given)
    if given.to is None:
        return _push(Path(given.model), given)
    status = _export(given)
    return status if status or given.push is None else _push(given.output, given)


def _check(given: argparse.Namespace) -> None:
    if given.push is None and (given.yes or given.public):
        raise UserError(f"--{'yes' if given.yes else 'public'} goes with --push REPO")
    if (given.to is None) != (given.output is None) or (given.to is None and given.push is None):
        missing = "--to FORMAT" if given.to is None else "--output FOLDER"
        raise UserError(f"{missing} is missing; an export is sent with --push REPO alone")
    if given.push is not None:
        from poolsweep.export.push import check_repo

        check_repo(given.push)


def _push(folder: Path, given: argparse.Namespace) -> int:
    """Say what would be sent; send it if that was typed."""
    from poolsweep.export.push import Push, require_export

    require_export(folder)
    push = Push(folder, given.push, public=given.public)
    print("\n".join(push.lines))
    if not given.yes:
        public = " --public" if given.public else ""
        print(
            f"nothing was sent; to send: poolsweep export {shlex.quote(str(folder))} --push {given.push}{public} --yes"
        )
        return 0
    with said_if_slow(f"sending to {given.push}"):
        push.send()
    print(f"sent: https://huggingface.co/{given.push}")
    return 0


def _export(given: argparse.Namespace) -> int:
    with loading("torch and transformers"):
        from poolsweep.export.command import export_run
        from poolsweep.export.format import Wanted
        from poolsweep.export.proof import UnprovenError
        from poolsweep.predict.choose import choose
        from poolsweep.predict.export_record import is_export
        from poolsweep.terminal.console import Console

    if is_export(Path(given.model)):
        raise UserError(f"{given.model} is an export already; name the run that it was made of")
    choice = choose(given.model)
    run = choice.single()
    if choice.line is not None:
        Console(stderr=True).say(choice.line)
    try:
        proof = export_run(
            run, to=given.to, output=given.output, wanted=Wanted(vectors=given.vectors, int8=given.int8),
            proof=given.proof, trusted=given.trust, trust_remote_code=given.trust_remote_code,
        )  # fmt: skip
    except UnprovenError as error:
        print_problem(f"poolsweep: the export to {given.to} is removed: {in_one_line(str(error))}")
        return 1
    Console().say("\n".join([f"{given.output}: {given.to}, made of {run}", *proof.lines]))
    return 0

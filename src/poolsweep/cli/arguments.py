"""What the command lines of the verbs have in common: how a mistake is answered, and arguments that several take."""

from __future__ import annotations

import argparse
from typing import Literal, NoReturn

from poolsweep.cli.examples import examples
from poolsweep.errors import UserError, nearest

_UNKNOWN = "unrecognized arguments: "


def refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """Raise what argparse found, with the nearest option for one that there is not.

    Raises:
        UserError: Always.
    """
    if message.startswith(_UNKNOWN):
        unknown = message.removeprefix(_UNKNOWN).split(" ")[0]
        options = [option for action in parser._actions for option in action.option_strings]
        found = f"there is no option {unknown}; {nearest(unknown, options)}"
        message = found if unknown.startswith("-") else f"{unknown or repr('')} is more than {parser.prog} takes"
    raise UserError(f"{message}; {parser.prog} --help says more")


class VerbParser(argparse.ArgumentParser):
    """Parses what is typed after a verb; a mistake is a ``UserError`` of one line.

    Args:
        verb: After ``poolsweep``.
        description: For its help.
    """

    def __init__(self, verb: str, description: str) -> None:
        super().__init__(prog=f"poolsweep {verb}", description=description)
        self.verb = verb

    def format_help(self) -> str:
        """Its help, with examples at the end."""
        return f"{super().format_help()}\n{examples(self.verb)}"

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found."""
        refuse(self, message)

    def add_study(self, name: str = "study", *, nargs: Literal["?", "+", "*"] | None = None, note: str = "") -> None:
        """Take a study.

        Args:
            name: Name of the attribute that gets it.
            nargs: ``?`` = it may be left out; ``+`` = several; ``*`` = any number.
            note: Added to its help.
        """
        self.add_argument(name, metavar="STUDY", nargs=nargs, help=f"a name or a folder{note}")

    def add_model(self, *, optional: bool = False, note: str = "") -> None:
        """Take a model, as ``poolsweep.predict.choose`` finds its runs.

        Args:
            optional: Whether it may be left out.
            note: Added to its help.
        """
        text = "a run folder (outputs/STUDY/ID), a study (its best pooling on validation) or STUDY:POOLING"
        self.add_argument("model", metavar="MODEL", nargs="?" if optional else None, help=text + note)

    def add_text_columns(self) -> None:
        """Take ``--text`` and ``--text-pair``."""
        self.add_argument("--text", metavar="COLUMN", help="with the text (default: as in training)")
        self.add_argument("--text-pair", metavar="COLUMN", help="with the second text, where pairs are read")

    def add_place(self) -> None:
        """Take ``--device`` and ``--precision``."""
        self.add_argument(
            "--device", default="auto", help="cpu, cuda, cuda:1, mps (default: auto, a GPU if there is one)"
        )
        self.add_argument("--precision", default="32", metavar="32|bf16|16", help="of products (default: 32)")

    def add_trust(self) -> None:
        """Take ``--trust`` and ``--trust-remote-code``, for run folders that name code."""
        self.add_argument(
            "--trust", action="append", default=[], metavar="PACKAGE", help="of your own, if the run names it"
        )
        self.add_argument(
            "--trust-remote-code", action="store_true", help="run the model code that the run's encoder carries"
        )

    def add_no_texts(self) -> None:
        """Take ``--no-texts``, for a page that is shown to others."""
        self.add_argument("--no-texts", action="store_true", help="keep the texts of the test split out of the page")

"""What the command lines of the verbs have in common: how a mistake is answered, and arguments that several take."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NoReturn

from poolsweep.cli.examples import examples
from poolsweep.errors import UserError, nearest

_UNKNOWN = "unrecognized arguments: "
_CHOICE = re.compile(r"(argument .+: invalid choice: (['\"])(.*)\2) \(choose from (.*)\)")


def refuse(parser: argparse.ArgumentParser, message: str, *, typed: Sequence[str] = ()) -> NoReturn:
    """Raise what argparse found, with the nearest option or choice for one that there is not.

    Args:
        parser: Parser that found it.
        message: What it says.
        typed: What was typed after the verb: an option with a wrong name is the reason why a required one is missing.
    Raises:
        UserError: Always.
    """
    options = [option for action in parser._actions for option in action.option_strings]
    unknown = [word for word in typed if not any(one.startswith(word.partition("=")[0]) for one in options)]
    unknown = [word for word in unknown if word.startswith("--")]
    if message.startswith(_UNKNOWN):
        unknown = [message.removeprefix(_UNKNOWN).split(" ")[0]]
    if choice := _CHOICE.fullmatch(message):
        choices = [one.strip().strip("'") for one in choice[4].split(",")]
        message = f"{choice[1]}; {nearest(choice[3], choices)}"
    elif unknown and unknown[0].startswith("-"):
        message = f"there is no option {unknown[0]}; {nearest(unknown[0].partition('=')[0], options)}"
    elif unknown:
        message = f"{unknown[0] or repr('')} is more than {parser.prog} takes"
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
        self.color = False  # from Python 3.14 on argparse writes escapes, and only our console may
        self._typed: Sequence[str] = ()

    def format_help(self) -> str:
        """Its help, with examples at the end."""
        return f"{super().format_help()}\n{examples(self.verb)}"

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found."""
        refuse(self, message, typed=self._typed)

    def parse_known_args(  # type: ignore[override]  its overloads tell namespaces apart
        self,
        args: Iterable[str] | None = None,
        namespace: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Keep what was typed, for messages."""
        self._typed = list(args or ())
        return super().parse_known_args(None if args is None else self._typed, namespace)

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

"""What README and docs show: their code blocks, the commands in them, tables, and sentences."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checkout import README, ROOT

PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = {"sh", "bash", "shell", "console"}
PROGRAMS = {"poolsweep", "echo", "cd", "pip", "make", "python", ".", "wandb"}  # first words of a block of commands
_FILE = re.compile(r"`([\w/]+\.(?:py|yaml))`[^`]*:\n\n```\w+\n(.*?)```", re.DOTALL)
_LIST_ITEM = re.compile(r"\s*([-*]|\d+\.) ")


@dataclass(frozen=True)
class Block:
    """Code of a page.

    Attributes:
        page: Path of the page in the checkout.
        line: Line where the code begins, from 1.
        language: Word behind the fence; empty for what is indented, or has none.
        text: The code, without its indentation.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def is_shell(self) -> bool:
        """Whether it is typed into a terminal."""
        return self.language in SHELL or (
            not self.language and re.sub(r"^[A-Z]+=\S* ", "", self.text).split()[0] in PROGRAMS
        )


@dataclass(frozen=True)
class Command:
    """A line that is typed into a terminal.

    Attributes:
        page: Path of the page in the checkout.
        line: Line of the page, from 1.
        typed: The line, its continuations joined, without comment.
        parts: Words of each program that it runs, with the operator before it: empty, ``|``, ``&&`` or ``>``.
    """

    page: str
    line: int
    typed: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.typed}"


def name_of(page: Path) -> str:
    """Path of a page in the checkout."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The code of a page: between fences, or indented by four after an empty line."""
    lines = [*page.read_text(encoding="utf-8").splitlines(), ""]
    found, start, language = [], None, None
    for number, line in enumerate(lines):
        if line.startswith("```"):
            if language is not None and start is not None:
                found.append(Block(name_of(page), start + 1, language, "\n".join(lines[start:number])))
            start, language = (number + 1, line[3:].strip()) if language is None else (None, None)
        elif language is None and start is None and line.startswith("    ") and (number == 0 or not lines[number - 1]):
            start = number
        elif language is None and start is not None and line and not line.startswith("    "):
            text = "\n".join(one[4:] for one in lines[start:number]).rstrip()
            found.append(Block(name_of(page), start + 1, "", text))
            start = None
    return found


def commands(block: Block) -> Iterator[Command]:
    """Every line that is typed, of a block of commands."""
    lines = block.text.splitlines()
    while lines:
        number = block.line + len(block.text.splitlines()) - len(lines)
        line = lines.pop(0)
        while line.endswith("\\"):
            line = line[:-1] + lines.pop(0).strip()
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split, lexer.commenters = True, "#"
        if words := list(lexer):
            typed = re.sub(r"\s+#.*$", "", line).strip()
            yield Command(block.page, number, typed, tuple(_split(words)))


def files(page: Path) -> dict[str, str]:
    """What a page tells its reader to write: name of the file → content."""
    return dict(_FILE.findall(page.read_text(encoding="utf-8")))


def _split(words: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    operator, part = "", []
    for word in words:
        if word in {"|", "&&", ">", ";"}:
            yield operator, tuple(part)
            operator, part = word, []
        elif part or not re.fullmatch(r"[A-Z]+=\S*", word):  # a variable of the environment
            part.append(word)
    yield operator, tuple(part)


def tables(page: Path) -> Iterator[list[tuple[str, ...]]]:
    """The rows of each table, cells in lower case without marks and links."""
    for table in re.findall(r"(?m)(?:^\|.*\|$\n?)+", page.read_text(encoding="utf-8")):
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
        yield [tuple(_plain(cell) for cell in row) for row in rows if not re.fullmatch(r"[-: ]*", "".join(row))]


def _plain(cell: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\]\([^)]*\)|[`*\[\]]", "", cell)).strip().lower()


def sentences(page: Path) -> Iterator[tuple[int, str]]:
    """Each sentence with the line where its paragraph begins; code in it is one word, ``X``."""
    text = re.sub(r"(?ms)^```.*?^```", lambda found: "\n" * found[0].count("\n"), page.read_text(encoding="utf-8"))
    paragraph: list[str] = []
    start = 1
    for number, line in enumerate([*text.split("\n"), ""], 1):
        is_item = _LIST_ITEM.match(line) is not None
        if is_item or not line.strip() or line.startswith(("    ", "|", "#", "<", "!")):
            whole = re.sub(r"`[^`]*`", "X", re.sub(r"\]\([^)]*\)", "]", " ".join(paragraph)))
            yield from ((start, sentence) for sentence in re.split(r"(?<=[.!?])\s+", whole) if sentence)
            paragraph, start = ([line.strip()] if is_item else []), number
        else:
            start = start if paragraph else number
            paragraph.append(line.strip())

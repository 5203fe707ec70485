"""What a terminal is sent: stand-ins for what it cannot show, and never a control character of a stranger."""

from __future__ import annotations

import ast
import io
import sys

import pytest
from checkout import parsed_modules
from rich.text import Text

from poolsweep.cli import main
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import as_cell, shown, shown_output


def through(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """Let standard output and standard error be one stream of an encoding."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    return written


def test_a_sweep_and_its_report_end_with_their_tables_in_ascii(tiny_run, monkeypatch):
    written = through(monkeypatch, "ascii")
    overrides = [*tiny_run[:3], "encoder.frozen=true", "trainer=probe", "pooling=masked_mean", "seed=0,1"]
    assert main(["train", "-m", *overrides, 'study="Ü★"']) == 0
    assert main(["report", "Ü★"]) == 0
    text = written.getvalue().decode("ascii")
    assert text.count("mean +- 95%") == 2
    assert "/?*/leaderboard.csv" in text


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [("ascii", "sum m - ?*"), ("latin-1", "sum m · Ü*"), ("cp1252", "sum m · Ü*"), ("utf-8", "Σ m · Ü★")],
)
def test_stand_ins_take_the_place_of_what_an_encoding_lacks(monkeypatch, encoding, sent):
    written = through(monkeypatch, encoding)
    with shown_output():
        print("Σ m · Ü★")
        Console().print("Σ m · Ü★")
    assert written.getvalue().decode(encoding).splitlines() == [sent, sent]


def test_only_what_rich_makes_itself_is_sent_raw(monkeypatch):
    written = through(monkeypatch, "utf-8")
    evil = "a\x1b[31mb\x1b]8;;http://evil/\x9be\u202ef[red]g"
    with shown_output():
        print(evil)
        console = Console(force_terminal=True, color_system="standard", width=200)
        console.print(evil)
        console.print(Text(evil, style="bold"))
    raw = written.getvalue().decode()
    spelled = r"a\x1b[31mb\x1b]8;;http://evil/\x9be\u202ef[red]g"
    assert [line.removeprefix("\x1b[1m").removesuffix("\x1b[0m") for line in raw.splitlines()] == [spelled] * 3
    assert raw.count("\x1b") == 2, "the bold one's beginning and end"


def test_a_lone_surrogate_of_a_file_name_is_no_error(monkeypatch):
    written = through(monkeypatch, "utf-8")
    with shown_output():
        print("caf\udce9.csv")
    assert written.getvalue() == b"caf?.csv\n"


def test_a_mistake_stays_one_line(cli):
    done = cli("sta\n\x1b[2Jtus")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err


def test_tabs_and_line_feeds_stay():
    assert shown("a\tb\nc") == "a\tb\nc"


@pytest.mark.parametrize("text", ["=1+2", "+cmd", "-x", "@SUM(A1)", "\tx", "\rx", " =1", "-1+2"])
def test_a_text_is_no_formula(text):
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-0.5", "+1e-3", "-inf", "", "cls", 3, -0.5])
def test_numbers_and_names_stay(value):
    assert as_cell(value) == value


def test_nothing_is_written_around_the_one_console():
    """``rich.console.Console`` is made in one module; standard streams are written by ``print`` alone."""
    found, consoles = [], []
    for path, tree in parsed_modules():
        for node in ast.walk(tree):
            named = isinstance(node, ast.Attribute) and ast.unparse(node) == "rich.console.Console"
            imported = isinstance(node, ast.ImportFrom) and node.module == "rich.console"
            if named or (imported and "Console" in {alias.name for alias in node.names}):  # type: ignore[union-attr]
                consoles.append(path.name)
            if isinstance(node, ast.Attribute) and node.attr in {"__stdout__", "__stderr__"}:
                found.append(f"{path.name}: {node.attr}")
            if isinstance(node, ast.Attribute) and node.attr == "write" and "sys.std" in ast.unparse(node.value):
                found.append(f"{path.name}: {ast.unparse(node)}")
    assert consoles == ["console.py"], "it is made here, and nowhere else"
    assert not found

"""What fits a terminal of 80 columns: sentences break between words, paths and commands stay in one piece."""

from __future__ import annotations

import io
import re
import sys
import threading
from collections.abc import Callable

import pytest

from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import said_if_slow

PATH = "/a/folder/" + "deep/" * 20 + "report.html"
SENTENCE = f"note: {'word ' * 30}stands in {PATH} and ends"


def said(text: str, *, terminal: bool) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=80, force_terminal=terminal, color_system=None).say(text)
    return file.getvalue().splitlines()


def test_a_terminal_breaks_between_words_and_keeps_a_path_whole():
    lines = said(f"  {SENTENCE}", terminal=True)
    assert len(lines) > 2
    assert " ".join(line.strip() for line in lines) == SENTENCE, "no word was broken, none lost"
    assert all(line.startswith("  ") for line in lines), "the indent goes on"
    assert all(len(line) <= 80 or line.strip() == PATH for line in lines)


def test_what_does_not_fit_can_stand_further_in():
    file = io.StringIO()
    Console(file=file, width=20, force_terminal=True, color_system=None).say("a list of words, then some", hang=4)
    assert file.getvalue().splitlines() == ["a list of words,", "    then some"]


def test_a_file_gets_one_line_for_each():
    assert said(f"first\n{SENTENCE}", terminal=False) == ["first", SENTENCE]


@pytest.fixture
def lines_at_80(cli, monkeypatch):
    """The lines that a terminal of 80 columns shows of a command, without colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # which rich takes for a terminal
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> list[str]:
        done = cli(*arguments)
        moved = re.sub(r"\x1b\[\d*[A-K]|\r", "\n", done.out + done.err)  # a bar is drawn over and over
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", moved).splitlines()

    return run


def test_the_catalogue_fits_the_terminal(lines_at_80):
    lines = lines_at_80("poolings")
    assert len(lines) > 200
    assert [line for line in lines if len(line) > 80] == []


def test_a_mistake_is_answered_in_whole_words(lines_at_80, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    lines = lines_at_80("train", "trainer=finetune_everything")
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert " ".join(lines).startswith("poolsweep: trainer=finetune_everything is no option of trainer; valid: ")


def test_a_sweep_and_its_report_fit_the_terminal(lines_at_80, tiny_run, outputs):
    sweep = lines_at_80("train", "-m", *tiny_run, "pooling=cls,masked_mean", "seed=0,1", "trainer.max_epochs=1")
    report = lines_at_80("report", "default")
    assert any("poolsweep report default" in line for line in sweep), "premise: it ended well"
    assert any("report.html" in line for line in report), "premise: it ended well"
    assert [line for line in sweep + report if len(line) > 80 and str(outputs) not in line] == []


class AtOnce:
    """A timer whose time is up when it is started."""

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self.then = then

    def start(self) -> None:
        self.then()

    def cancel(self) -> None:
        pass


def test_a_terminal_is_told_what_takes_long_before_the_first_run(cli, tiny_run, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr("poolsweep.terminal.progress.Timer", AtOnce)
    monkeypatch.setattr("poolsweep.terminal.progress.print", lambda line, **_: told.append(line), raising=False)
    assert cli("train", *tiny_run, "trainer.max_epochs=1").status == 0
    assert told == [], "premise: standard error is no terminal"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert cli("train", "-m", *tiny_run, "seed=1", "trainer.max_epochs=1").status == 0
    assert told[0] == "loading torch and transformers …"
    assert "loading encoder tiny …" in told
    assert any(line.startswith("reading ") and line.endswith("animals.csv …") for line in told)


def test_what_takes_no_second_is_not_said(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    before = threading.active_count()
    with said_if_slow("nothing"):
        assert threading.active_count() == before + 1, "premise: someone waits"
    assert capsys.readouterr().err == ""

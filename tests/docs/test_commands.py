"""Every command that README and docs show is typed here: run on tiny studies, or composed and checked."""

from __future__ import annotations

import io
import os
import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from checkout import ROOT
from composed import check_overrides
from pages import PAGES, Command, blocks, commands, files, name_of
from printed import unlike

from poolsweep.cli import main

# What a page leaves to its reader; the files, models and studies that it names are those of the fixture ``reader``.
STAND_INS = {"encoder.model=…": ("encoder.model=models/bert",), "…": ("data=files", "data.train=reviews.csv")}
ELSEWHERE = {"task=counts": "tests/test_contributing.py"}  # what goes into the checkout first
FIRST_STUDY = "study=questions"  # which the fixture has trained
COMPOSED = {"train", "submit"}  # composed, and each value of each axis checked; all other verbs run


class ReachedError(BaseException):
    """A command has come as far as a test lets it."""


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands stop before what takes long, waits or sends: tests of their own are about these."""

    def stop(*given: object, **options: object) -> None:
        raise ReachedError

    for name in (
        "export.command._written_whole", "dashboard.command.dashboard", "pooling.conformance.suite.check_class",
        "predict.speed_command.measure_speed", "report.command.write_report",
    ):  # fmt: skip
        monkeypatch.setattr(f"poolsweep.{name}", stop)
    monkeypatch.setattr("poolsweep.loggers.sync.has_key", lambda: True)
    monkeypatch.setattr("poolsweep.loggers.sync._send", lambda run, **options: None)


def pages_with_commands() -> list[Path]:
    """Pages that show what to type."""
    return [page for page in PAGES if any(block.is_shell for block in blocks(page))]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("page", pages_with_commands(), ids=name_of)
def test_the_commands_of_a_page_do_what_they_say(page: Path, capsys, monkeypatch) -> None:
    for name, content in files(page).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
    problems, said = [], ""
    for block in blocks(page):
        if not block.is_shell:
            lines = unlike(block.text, said) if said and block.language in {"", "text"} else []
            problems += [f"{block.page}:{block.line}: nothing above prints: {line}" for line in lines]
            continue
        said = ""
        for command in commands(block):
            if any(words in command.typed for words in ELSEWHERE):
                continue
            try:
                said += _type(command, capsys, monkeypatch)
            except Exception as error:
                problems.append(f"{command}\n    {type(error).__name__}: {error}")
    assert not problems, "\n".join(problems)


def _type(command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Do what a line says, program by program; gives what the last one printed."""
    said = noted = ""
    for operator, (program, *words) in command.parts:
        if operator == ">":  # into a file of the reader's
            continue
        assert program in _PROGRAMS, f"{program} is no program that _PROGRAMS of tests/docs/test_commands.py knows"
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(said.encode() if operator == "|" else b"")))
        capsys.readouterr()
        try:
            _PROGRAMS[program](words)
        except ReachedError:
            return ""
        except AssertionError as error:
            raise AssertionError(f"{error} {capsys.readouterr().err}") from error
        said, noted = capsys.readouterr()
    return f"{said}{noted}"


def _poolsweep(words: Sequence[str]) -> None:
    verb, *words = [one for word in words for one in STAND_INS.get(word, (_own(word),))]
    if verb in COMPOSED and "--cfg" not in words:
        _check(verb, words)
    else:
        assert main([verb, *words]) == 0


def _own(word: str) -> str:
    """A word with a run of this test's in place of the page's."""
    found = re.fullmatch(r"(outputs/\w+)/(ID|[0-9a-f]{12})", word)
    return word if found is None else str(next(Path(found[1]).glob("*/result.json")).parent)


def _check(verb: str, words: list[str]) -> None:
    config_dir = None
    if "--config-dir" in words:
        at = words.index("--config-dir")
        config_dir, words = Path(words[at + 1]).absolute(), [*words[:at], *words[at + 2 :]]
    overrides = [word for word in words if word not in {"-m", "--print-config"}]
    if verb == "submit":
        overrides = ["hydra/launcher=slurm", "hydra.launcher.wait=false", *overrides]
    configs = check_overrides(overrides, config_dir=config_dir)
    assert verb == "submit" or "-m" in words or len(configs) == 1, "several values need -m"
    if FIRST_STUDY in words:
        print(Path("printed.txt").read_text(encoding="utf-8"))


def _pip(words: Sequence[str]) -> None:
    """What is installed is ours, with extras that there are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = re.fullmatch(r"(poolsweep|\.)\[(.+)\]", words[-1])
    assert found, f"{words[-1]} is not ours"
    assert set(found[2].split(",")) <= set(project["optional-dependencies"]), f"no extra {found[2]}"
    assert "-c" not in words or (ROOT / words[words.index("-c") + 1]).is_file()


def _make(words: Sequence[str]) -> None:
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"(?m)^{target}:", made) for target in words), "no such target"


def _python(words: Sequence[str]) -> None:
    assert (ROOT / words[0]).is_file(), f"no file {words[0]}"


_PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    "poolsweep": _poolsweep,
    "echo": lambda words: print(*words),
    "cd": lambda words: os.chdir(words[0]),
    "pip": _pip,
    "make": _make,
    "python": _python,
    ".": lambda words: None,  # an environment of the reader's
    "wandb": lambda words: None,  # W&B's own program; tests/cli/test_wandb_sweep.py asks its code
}

"""What a sweep shows: lines without control codes in a pipe, a bar and a line per running run on a terminal."""

from __future__ import annotations

import io
import json
import time

from poolsweep.runs.folder import RunFolder
from poolsweep.sweep.display import Display
from poolsweep.terminal.console import Console


def write(folder: RunFolder, **status) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.status.write_text(json.dumps(status))


def drawn(tmp_path, *, terminal: bool) -> tuple[Display, io.StringIO]:
    """Four runs: one finished after 10 s, one at a quarter, two waiting."""
    folders = [RunFolder(tmp_path / str(index)) for index in range(4)]
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120, height=40)
    display = Display({folder: f"seed={index}" for index, folder in enumerate(folders)}, console=console)
    now = time.time()
    write(folders[0], state="finished", started=now - 20, seconds=10.0, metrics={"val/accuracy": 0.5})
    write(
        folders[1], state="running", phase="training", started=now - 5, epoch=1, epochs=4, step=1, steps=4,
        seconds_left=15.0,
    )  # fmt: skip
    return display, file


def test_a_pipe_gets_plain_lines_with_an_estimate(tmp_path):
    display, file = drawn(tmp_path, terminal=False)
    display._draw()
    # 15 s of the one at work, and twice the 10 s that a run took.
    assert file.getvalue() == "[1/4] finished  seed=0  val/accuracy 0.5000  10.0 s  (about 35 s left)\n"


def test_what_the_first_run_did_for_all_is_not_expected_of_the_others(tmp_path):
    folders = [RunFolder(tmp_path / str(index)) for index in range(4)]
    file, now = io.StringIO(), time.time()
    display = Display({folder: folder.path.name for folder in folders}, console=Console(file=file, width=120))
    write(folders[0], state="finished", started=now - 100, seconds=100.0, shared_seconds=94.0)
    display._draw()
    assert file.getvalue() == "[1/4] finished  0    100.0 s  (about 18 s left)\n"


def test_a_terminal_gets_a_bar_that_counts_begun_runs_in_part_and_a_line_for_each(tmp_path):
    display, _ = drawn(tmp_path, terminal=True)
    group = display._draw()
    shown = io.StringIO()
    Console(file=shown, width=120, height=40).print(group)
    bar, line = shown.getvalue().splitlines()
    assert "1/4" in bar
    assert "about 35 s left" in bar
    assert line.strip() == "▶ seed=1  training epoch 1/4 25%  about 15 s left"
    assert display._bar.tasks[0].completed == 1.25


def test_more_running_runs_than_lines_are_counted(tmp_path):
    folders = [RunFolder(tmp_path / str(index)) for index in range(20)]
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=10)
    display = Display({folder: folder.path.name for folder in folders}, console=console)
    for folder in folders:
        write(folder, state="running", phase="training", started=time.time())
    shown = io.StringIO()
    Console(file=shown, width=120).print(display._draw())
    assert len(shown.getvalue().splitlines()) == 8
    assert "… and 14 more" in shown.getvalue()


def test_a_run_that_tests_is_not_said_to_have_no_time_left(tmp_path):
    folder, file, now = RunFolder(tmp_path / "run"), io.StringIO(), time.time()
    display = Display({folder: "run"}, console=Console(file=file, force_terminal=True, width=120))
    write(folder, state="running", phase="testing", started=now - 60, step=4, steps=4, seconds_left=None)
    shown = io.StringIO()
    Console(file=shown, width=120).print(display._draw())
    assert "▶ run  testing 100%" in shown.getvalue()
    assert "left" not in shown.getvalue()


def test_no_time_is_foretold_once_a_run_evaluates(cli, tiny_run, monkeypatch):
    written: list[dict] = []
    monkeypatch.setattr("poolsweep.runs.status.write_json", lambda path, content: written.append(dict(content)))
    assert cli("train", *tiny_run, "trainer.max_epochs=1").status == 0
    evaluating = [status for status in written if status["phase"] in {"validating", "testing"}]
    assert {status["phase"] for status in evaluating} == {"validating", "testing"}
    assert all(status["seconds_left"] is None for status in evaluating)

"""Places that cannot be written: one line that names the path and what chose it, from every verb that writes."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from poolsweep.files.faults import in_words

PROBE = ["encoder.frozen=true", "trainer=probe", "pooling=masked_mean"]


@pytest.fixture
def in_the_way(tmp_path: Path) -> Path:
    """A file where a folder is asked for; unlike permissions, it stops root too."""
    path = tmp_path / "file"
    path.write_text("kept")
    return path


def one_line(done) -> str:
    """What was said last; the rest are notes."""
    assert done.status == 2, done.err
    assert "Traceback" not in done.err
    assert "Error executing" not in done.err
    return done.err.splitlines()[-1]


@pytest.mark.parametrize("flags", [[], ["-m"]])
def test_outputs_in_the_way(cli, tiny_run, in_the_way, monkeypatch, flags):
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(in_the_way))
    line = one_line(cli("train", *flags, *tiny_run[:3], *PROBE))
    assert f"poolsweep: {in_the_way}" in line
    assert f"POOLSWEEP_OUTPUTS={in_the_way} chose that place" in line
    assert in_the_way.read_text() == "kept"


def test_an_output_root_that_was_typed(cli, tiny_run, in_the_way):
    line = one_line(cli("train", *tiny_run[:3], *PROBE, f"output_root={in_the_way}"))
    assert f"output_root={in_the_way} chose that place" in line


def test_a_name_that_is_too_long(cli, tiny_run):
    line = one_line(cli("train", *tiny_run[:3], *PROBE, f"study={'x' * 300}"))
    assert "File name too long; POOLSWEEP_OUTPUTS=" in line


def test_a_cache_in_the_way(cli, tiny_run, in_the_way, monkeypatch, write_csv, animal_rows, tmp_path):
    monkeypatch.setenv("POOLSWEEP_CACHE", str(in_the_way))
    other = write_csv(tmp_path / "other.csv", animal_rows[::-1])  # of the others this process knows the tokens
    line = one_line(cli("train", *tiny_run[:2], f"data.train={other}", *PROBE))
    assert f"POOLSWEEP_CACHE={in_the_way} chose that place" in line


@pytest.fixture(scope="module")
def study(tmp_path_factory, tiny_run) -> Path:
    """A study with one finished run."""
    from poolsweep.cli import main

    folder = tmp_path_factory.mktemp("finished") / "outputs"
    assert main(["train", *tiny_run[:3], *PROBE, f"output_root={folder}", "study=one"]) == 0
    return folder / "one"


def test_a_report_in_the_way(cli, study, in_the_way, tmp_path):
    assert f"--out {in_the_way} chose that place" in one_line(cli("report", str(study), "--out", str(in_the_way)))
    copied = shutil.copytree(study, tmp_path / "copied")
    (copied / "report").write_text("kept")
    assert cli("report", str(copied)).status == 0
    assert [path.read_text() for path in copied.glob("report*") if path.is_file()] == ["kept"], "it is set aside"
    [run] = study.glob("*/result.json")
    page = in_the_way / "page.html"
    assert f"--html {page} chose that place" in one_line(
        cli("explain", str(run.parent), "--text", "meow", "--html", str(page))
    )


def test_a_disk_that_is_full_at_the_end_leaves_no_result_that_counts(cli, tiny_run, monkeypatch, outputs):
    import poolsweep.training.attempt as attempt

    def full(path, *given, **options):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(attempt, "write_contract", full)
    done = cli("train", *tiny_run[:3], *PROBE)
    assert done.status == 1
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err
    monkeypatch.undo()
    assert not [path for path in outputs.rglob("result.json") if '"finished"' in path.read_text()]


def test_the_place_that_names_the_most_of_a_path_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    error = OSError(errno.EROFS, "Read-only file system", str(tmp_path / "hf" / "hub" / "x"))
    said = f"/hub/x cannot be read or written: Read-only file system; HF_HOME={tmp_path}/hf chose that place"
    assert in_words(error).endswith(said)
    assert in_words(OSError("odd")) == "OSError: odd"

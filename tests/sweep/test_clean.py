"""What ``poolsweep clean`` says and removes."""

import shutil

import pytest
from filelock import FileLock

from poolsweep.runs.lock import RunLock
from poolsweep.sweep.status import study_status


@pytest.fixture
def swept(cli, tiny_run, monkeypatch, tmp_path):
    """A study of two poolings of a frozen encoder, with a cache of its own."""
    monkeypatch.setenv("POOLSWEEP_CACHE", str(tmp_path / "cache"))
    done = cli("train", "-m", *tiny_run, "encoder.frozen=true", "pooling=cls,max", "study=a")
    assert done.status == 0, done.err
    return tmp_path / "outputs" / "a"


def test_what_is_made_again_is_said_and_removed(cli, swept, tmp_path) -> None:
    features = tmp_path / "outputs" / ".features"
    said = cli("clean").out
    assert "features" in said
    assert "tokenised, 3 folders" in said
    assert any(features.iterdir()), "premise: nothing is removed without --yes"
    assert cli("clean", "--features", "--cache", "--yes").status == 0
    assert not any(features.iterdir())
    assert not list((tmp_path / "cache").glob("*/[0-9a-f]*"))
    assert cli("clean").out == "there is nothing to remove\n"
    assert study_status(swept).counts["finished"] == 2


def test_runs_by_state(cli, swept) -> None:
    first = sorted(path for path in swept.iterdir() if (path / "result.json").is_file())[0]
    (first / "predictions-test.parquet").unlink()
    said = cli("clean", "a", "--runs", "damaged").out
    assert first.name in said
    assert len(said.splitlines()) == 2, "the other run is whole"
    assert cli("clean", "a", "--runs", "damaged,failed", "--yes").status == 0
    assert not first.exists()
    assert study_status(swept).counts["missing"] == 1, "the same command runs it again"


def test_a_whole_study_leaves_what_is_not_ours(cli, swept) -> None:
    (swept / "notes.txt").write_text("mine")
    assert cli("clean", "a", "--yes").status == 0
    assert [path.name for path in swept.iterdir()] == ["notes.txt"]
    (swept / "notes.txt").unlink()
    shutil.rmtree(swept)


def test_what_others_are_at_work_on_stays(cli, swept, tmp_path) -> None:
    folder = sorted(path for path in swept.iterdir() if (path / "result.json").is_file())[0]
    store = next((tmp_path / "outputs" / ".features").iterdir())
    with FileLock(store / ".lock"):
        done = cli("clean", "--features", "--yes")
    assert done.status == 1
    assert f"left, since another process is at work there: {store}" in done.out
    lock = RunLock(folder)
    assert lock.acquire()
    try:
        assert cli("clean", "a", "--runs", "finished", "--yes").status == 1
        assert folder.exists()
    finally:
        lock.release()


def test_a_link_is_not_followed(cli, swept, tmp_path) -> None:
    """A study may be a stranger's: what its links lead to is not removed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("x")
    (swept / "report").symlink_to(outside)
    (tmp_path / "outputs" / ".features" / "elsewhere").symlink_to(outside)
    assert cli("clean", "a", "--features", "--yes").status == 0
    assert (outside / "kept.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--yes"], "name what to remove: a STUDY, --features or --cache"),
        (["--runs", "failed"], "--runs goes with a STUDY"),
        (["a", "--runs", "foo"], "--runs takes finished, failed, pruned, interrupted, damaged, got foo"),
    ],
)
def test_refusals(cli, swept, given, said) -> None:
    done = cli("clean", *given)
    assert (done.status, done.err) == (2, f"poolsweep: {said}\n")

"""Tokenisation: cut texts are counted, and what was done before is read from the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock
from read_files import read_files

from poolsweep.data.reading import Reading
from poolsweep.data.tokenise import tokenise, tokenizer_hash
from poolsweep.encoder.tiny import tiny


def test_truncation_is_counted_and_the_cache_is_read(animals, monkeypatch):
    splits, _ = read_files(animals)
    tokenizer = tiny().tokenizer
    texts = splits.train.column("text").to_pylist()
    cut = [len(tokenizer(text)["input_ids"]) > 12 for text in texts]
    assert 0 < sum(cut) < len(cut), "premise: some are cut"
    first = tokenise(splits.train, tokenizer=tokenizer, reading=Reading(12))
    assert first.truncated_share == pytest.approx(sum(cut) / len(cut))
    assert first.lengths.max() == 12
    monkeypatch.setattr("poolsweep.data.text_reader.PlainTexts.__call__", lambda *_: pytest.fail("tokenised again"))
    again = tokenise(splits.train, tokenizer=tokenizer, reading=Reading(12))
    assert (again.ids == first.ids).all()
    assert (again.starts == first.starts).all()
    assert again.truncated_share == first.truncated_share


def test_using_a_tokenizer_does_not_change_its_hash():
    used, fresh = tiny().tokenizer, tiny().tokenizer
    used(["a b c"], truncation=True, max_length=3, padding="max_length")
    assert tokenizer_hash(used) == tokenizer_hash(fresh)


def test_another_vocabulary_or_normaliser_changes_the_hash():
    from tokenizers.normalizers import Lowercase

    other, larger = tiny().tokenizer, tiny().tokenizer
    other.backend_tokenizer.normalizer = Lowercase()
    larger.add_tokens(["word"])
    assert len({tokenizer_hash(t) for t in (tiny().tokenizer, other, larger)}) == 3


def test_pairs_are_one_input_with_two_segments(tmp_path, write_csv):
    rows = [("ab", "cd", "x"), ("e", "fgh", "y")]
    path = write_csv(tmp_path / "pairs.csv", rows, header=("text", "other", "label"))
    splits, _ = read_files(path, validation=str(path), test=str(path), text_pair="other")
    tokenizer = tiny().tokenizer
    found = tokenise(splits.train, tokenizer=tokenizer, reading=Reading(16))
    assert found.types is not None
    for i, (first, second, _) in enumerate(rows):
        place, expected = slice(found.starts[i], found.starts[i + 1]), tokenizer(first, second)
        assert found.ids[place].tolist() == expected["input_ids"]
        assert found.types[place].tolist() == expected["token_type_ids"]
        assert 1 in found.types[place]


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "one bit":
        content[-1] ^= 1
    else:
        content = {"half": content[: len(content) // 2], "empty": b"", "zeros": bytes(len(content))}[how]
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["one bit", "half", "empty", "zeros", "gone"])
@pytest.mark.parametrize("name", ["ids", "types", "special", "starts", "truncated", "about"])
def test_a_damaged_cache_is_made_anew_and_said(animals, name: str, how: str, caplog):
    splits, _ = read_files(animals)
    tokenizer = tiny().tokenizer
    first = tokenise(splits.train, tokenizer=tokenizer, reading=Reading(14))
    folder = Path(first.ids.filename).parent
    path = folder / ("about.json" if name == "about" else f"{name}.npy")
    expected, digest = first.ids.tolist(), first.digest
    if how == "gone":
        path.unlink()
    else:
        damage(path, how)
    again = tokenise(splits.train, tokenizer=tokenizer, reading=Reading(14))
    assert (again.ids.tolist(), again.digest) == (expected, digest)
    assert f"tokenised texts are damaged, and made again: {folder}" in caplog.text
    assert not list(folder.parent.glob(".making-*")), "nothing temporary stays"


def test_what_a_killed_process_left_goes_at_the_next_visit(animals):
    splits, _ = read_files(animals)
    tokenizer = tiny().tokenizer
    folder = Path(tokenise(splits.train, tokenizer=tokenizer, reading=Reading(14)).ids.filename).parent
    left, of_another = (folder.parent / f".making-{name}-x" for name in (folder.name, "other"))
    for path in (left, of_another):
        path.mkdir()
        (path / "a.arrow").write_bytes(b"half")
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    with lock:
        tokenise(splits.train, tokenizer=tokenizer, reading=Reading(14))
        assert left.exists(), "its process may be at work"
    tokenise(splits.train, tokenizer=tokenizer, reading=Reading(14))
    assert not left.exists()
    assert of_another.exists()


OTHER = """
import sys, time
from pathlib import Path
from poolsweep.data import tokenise as module
from poolsweep.data.sources.files import Files
from poolsweep.data.reading import Reading
from poolsweep.data.text_reader import PlainTexts
from poolsweep.encoder.tiny import tiny

train, begun, go, parallel_from = sys.argv[1:]
encode = PlainTexts.__call__

def slowly(self, batch):
    Path(begun).touch()
    while not Path(go).exists():
        time.sleep(0.01)
    return encode(self, batch)

PlainTexts.__call__, module._PARALLEL_FROM = slowly, int(parallel_from)
module.tokenise(Files(train=train).read().train, tokenizer=tiny().tokenizer, reading=Reading(12))
"""


@pytest.fixture
def other(animals, tmp_path, monkeypatch):
    """Start another process that tokenises the animals until a file named go exists; returns once it has begun."""
    monkeypatch.setenv("POOLSWEEP_CACHE", str(tmp_path / "cache"))
    started: list[subprocess.Popen[str]] = []

    def start(*, parallel_from: int) -> subprocess.Popen[str]:
        begun, command = tmp_path / "begun", [sys.executable, "-c", OTHER, str(animals)]
        process = subprocess.Popen(
            [*command, str(begun), str(tmp_path / "go"), str(parallel_from)], start_new_session=True, text=True,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        deadline = time.monotonic() + 240
        while not begun.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the processes that it started too
        process.communicate()


def test_of_two_processes_at_once_one_tokenises_and_the_other_waits(animals, tmp_path, monkeypatch, other):
    process = other(parallel_from=1000)
    monkeypatch.setattr("poolsweep.data.text_reader.PlainTexts.__call__", lambda *_: pytest.fail("tokenised twice"))
    splits, _ = read_files(animals)
    with ThreadPoolExecutor() as threads:
        waits = threads.submit(tokenise, splits.train, tokenizer=tiny().tokenizer, reading=Reading(12))
        time.sleep(0.5)
        assert not waits.done(), waits.result()
        (tmp_path / "go").touch()
        assert len(waits.result(timeout=240).lengths) == len(splits.train)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err


def test_a_process_that_is_killed_while_it_tokenises_holds_up_no_other(animals, tmp_path, other):
    """Those that it has started to help it outlive it: the lock may not be theirs."""
    process = other(parallel_from=1)
    folder = tmp_path / "cache" / "tokenised"
    assert list(folder.glob(".making-*")), "premise: it was at work"
    process.kill()
    process.wait()
    splits, _ = read_files(animals)
    with ThreadPoolExecutor() as threads:
        found = threads.submit(tokenise, splits.train, tokenizer=tiny().tokenizer, reading=Reading(12))
        try:
            assert len(found.result(timeout=60).lengths) == len(splits.train)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # else a lock of theirs would hold up this test
    assert not list(folder.glob(".making-*")), "nothing that it left stays"

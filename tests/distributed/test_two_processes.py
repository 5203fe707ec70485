"""Two real processes compute what one does, and leave nothing behind; tests/system has failures, kills and FSDP."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from poolsweep.training.rank_failures import RankFailedError


def children() -> set[str]:
    """Processes that this one has started, as their numbers."""
    found = set()
    for thread in Path(f"/proc/{os.getpid()}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that ends meanwhile
            found |= set((thread / "children").read_text().split())
    return found


def listening() -> list[str]:
    """Sockets of this process at which someone could connect."""
    tables = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    inodes = {row[9] for row in tables if row[3] == "0A"}
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [link for link in links if link.startswith("socket:[") and link[8:-1] in inodes]


def curve(folder: Path, column: str) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes through /proc")
def test_two_processes_compute_what_one_does_and_leave_nothing_behind(cli, short_run, outputs, monkeypatch):
    """Dropout off, float64; 51 rows in steps of 8, so that the last of an epoch is uneven."""
    typed = [
        "train",
        *short_run,
        "trainer.precision=64-true",
        "encoder.dropout=0",
        "trainer.strategy=ddp",
        "callbacks=none",
        "callbacks.average=ema",
    ]
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # as the command sets it
    # First, since libraries leave a variable and a thread behind when a process uses them for the first time.
    assert cli(*typed, "data.batch_size=8", "study=one").status == 0
    before = (dict(os.environ), children(), listening(), threading.active_count())
    done = cli(*typed, "data.batch_size=4", "trainer.devices=2", "study=two")
    assert done.status == 0, done.err
    assert not torch.distributed.is_initialized()
    after = (dict(os.environ), children(), listening(), threading.active_count())
    for was, now in zip(before, after, strict=True):
        assert now == was
    [two], [one] = outputs.glob("two/*/"), outputs.glob("one/*/")
    assert sorted(path.name for path in outputs.iterdir() if path.is_dir()) == ["one", "two"]
    losses = curve(one, "train/loss")
    assert len(losses) == 14, "premise: a loss per step"
    assert curve(two, "train/loss") == pytest.approx(losses, abs=1e-12)
    for metric in ("val/loss", "val/accuracy", "val/mcc", "test/loss", "test/accuracy", "test/f1_macro"):
        assert curve(two, metric) == pytest.approx(curve(one, metric), abs=1e-6), metric
    for split in ("validation", "test"):
        found, expected = (pq.read_table(folder / f"predictions-{split}.parquet") for folder in (two, one))
        assert found["row_id"].to_pylist() == expected["row_id"].to_pylist()
        assert found["predicted"].equals(expected["predicted"])


def test_a_process_that_is_killed_after_all_is_done_fails_nothing(
    cli, short_run, outputs, monkeypatch, finished_result
):
    def done_then_killed(job, *, processes: int, log: Path) -> None:
        assert processes == 2
        (job.folder / "result.json").write_text(json.dumps(finished_result))
        raise RankFailedError("process 0 of 2 was killed by SIGTERM", kind="killed")

    monkeypatch.setattr("poolsweep.training.execute.run_in_ranks", done_then_killed)
    done = cli("train", *short_run, "trainer.devices=2", "trainer.strategy=ddp")
    assert done.status == 0, done.err
    [result] = outputs.glob("default/*/result.json")
    assert '"finished"' in result.read_text()

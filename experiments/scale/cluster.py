"""A Slurm that is simulated: it answers sbatch, squeue, sacct and scontrol, and its jobs are no processes.

A job is a line in memory: it waits for one of ``slots`` places, runs for some seconds and then writes what a real job
would have written into its run folder, or nothing at all. One thread plays them all.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import pickle
import random
import re
import socketserver
import stat
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from poolsweep.config import RunConfig
from poolsweep.files.writing import write_json

CLIENT = """#!{python} -SE
import os, socket, sys
with socket.create_connection(("127.0.0.1", {port})) as link, link.makefile("rw") as file:
    file.write("\\0".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
    file.flush()
    sys.stdout.write(file.read())
"""


@dataclass
class Job:
    """One element of an array."""

    job_id: str
    name: str
    pickle: Path
    state: str = "PENDING"
    until: float = 0.0
    restarts: int = 0
    config: RunConfig | None = None
    submitted: float = field(default_factory=time.time)
    ended: float = math.inf


class Cluster:
    """Plays the scheduler and all nodes.

    Args:
        folder: Gets the commands; put it first on PATH.
        slots: Jobs at a time.
        seconds: Of a run.
        fate: Shares of runs that are requeued once, that fail, and whose job ends without a result.
    """

    def __init__(self, folder: Path, *, slots: int, seconds: float, fate: dict[str, float]) -> None:
        self.jobs: dict[str, Job] = {}
        self.calls: Counter[str] = Counter()
        self.seconds_asked: Counter[str] = Counter()
        self.peak = {"jobs known": 0, "bytes of an answer": 0}
        self._slots, self._seconds, self._fate = slots, seconds, fate
        self._random, self._lock, self._stop = random.Random(0), threading.Lock(), threading.Event()
        self._decided: dict[str, str] = {}
        cluster = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                command, *given = self.rfile.readline().decode().rstrip("\n").split("\0")
                begun = time.perf_counter()
                answer = cluster.answer(command, given).encode()
                cluster.calls[command] += 1
                cluster.seconds_asked[command] += time.perf_counter() - begun
                cluster.peak["bytes of an answer"] = max(cluster.peak["bytes of an answer"], len(answer))
                self.wfile.write(answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("sbatch", "squeue", "sacct", "scontrol", "srun"):
            path = folder / name
            path.write_text(CLIENT.format(python=sys.executable, port=self._server.server_address[1]))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._server.serve_forever, self._play)]

    @property
    def twice(self) -> int:
        """Jobs that were submitted while an earlier one of the same run had not ended."""
        by_run: dict[Path, list[Job]] = {}
        for job in self.jobs.values():
            if job.config is not None:
                by_run.setdefault(self._run(job), []).append(job)
        return sum(
            later.submitted < earlier.ended
            for jobs in by_run.values()
            for earlier, later in itertools.pairwise(sorted(jobs, key=lambda job: job.submitted))
        )

    def __enter__(self) -> Cluster:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, command: str, given: list[str]) -> str:
        """What a command prints."""
        with self._lock:
            if command == "sbatch":
                return self._sbatch(Path(given[0]).read_text())
            if command == "squeue":
                names = set(given[-1].removeprefix("--name=").split(","))
                alive = [j for j in self.jobs.values() if j.name in names and j.state in {"PENDING", "RUNNING"}]
                return "".join(f"{j.job_id}|{j.state}|{j.name}|Resources\n" for j in alive)
            if command == "sacct":
                ids = given[-1].removeprefix("--jobs=").split(",")
                return "".join(f"{i}|{self.jobs[i].state}\n" for i in ids if i in self.jobs)
            return ""

    def _sbatch(self, script: str) -> str:
        name = re.search("--job-name=(.*)", script)[1]
        folder = Path(re.search(r"submitit\.core\._submit (\S+)", script)[1])
        array = re.search(r"--array=0-(\d+)", script)
        number = 1 + max((int(i.partition("_")[0]) for i in self.jobs), default=0)
        ids = [f"{number}_{i}" for i in range(int(array[1]) + 1)] if array else [str(number)]
        self.jobs |= {i: Job(i, name, folder / f"{i}_submitted.pkl") for i in ids}
        self.peak["jobs known"] = len(self.jobs)
        return f"Submitted batch job {number}\n"

    def _play(self) -> None:
        while not self._stop.wait(0.05):
            with self._lock:
                now, running = time.time(), [j for j in self.jobs.values() if j.state == "RUNNING"]
                over = [job for job in running if now >= job.until]
                free = self._slots - len(running) + len(over)
                waiting = (j for j in self.jobs.values() if j.state == "PENDING" and j.pickle.exists())
                begun = [job for job, _ in zip(waiting, range(free), strict=False)]
            for job in over:
                self._end(job)
            for job in begun:
                job.until, job.state = now + self._seconds * self._random.uniform(0.5, 1.5), "RUNNING"
                self._begin(job)

    def _begin(self, job: Job) -> None:
        job.config = pickle.loads(job.pickle.read_bytes()).function.config
        status = {"state": "running", "phase": "training", "step": 1, "steps": 100, "attempts": job.restarts + 1}
        write_json(self._run(job) / "status.json", {**status, "started": time.time(), "job": job.job_id})

    def _run(self, job: Job) -> Path:
        from poolsweep.training.job import folder_of

        return folder_of(job.config)[0].path

    def _end(self, job: Job) -> None:
        run = self._run(job)
        fate = "finished"
        if run.name not in self._decided:  # once a run has had its accident, it goes well
            fate = self._random.choices(
                [*self._fate, "finished"], [*self._fate.values(), 1 - sum(self._fate.values())]
            )[0]
            self._decided[run.name] = fate
        if fate == "requeued":
            job.restarts, job.state = job.restarts + 1, "PENDING"
            return
        status = json.loads((run / "status.json").read_text())
        if fate != "lost":
            seed = job.config.seed
            score = {"val/accuracy": 0.8 + seed / 1e4, "test/accuracy": 0.8 + seed / 1e4}
            facts = {
                "run_id": run.name,
                "seed": seed,
                "pooling": "masked_mean",
                "seconds": self._seconds,
                "metrics": score,
            }
            write_json(run / "result.json", {**facts, "schema_version": 1, "status": fate})
            write_json(run / "status.json", {**status, "state": fate, "metrics": score, "heartbeat": time.time()})
        job.state, job.ended = "COMPLETED" if fate != "failed" else "FAILED", time.time()


def on_path(folder: Path) -> None:
    """Make this process and its children find the commands of the simulated cluster."""
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"

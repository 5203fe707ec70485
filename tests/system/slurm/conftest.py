"""A private Slurm with accounting and four virtual nodes, started once for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from poolsweep.files.writing import read_json

HERE = Path(__file__).parent
NEEDED = ("sbatch", "slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd")
PACKAGES = "slurmctld slurmd slurm-client slurmdbd mariadb-server munge"

# Beside the encoder's and the data's: a run of a thousand steps.
RUN = [
    "hydra/launcher=slurm", "hydra.launcher.memory=1G", "hydra.launcher.cpus=1", "hydra.launcher.poll_seconds=1",
    "encoder=tiny", "encoder.num_layers=2", "data=files", "data.batch_size=8", "data.eval_batch_size=32",
    "trainer.max_epochs=20", "trainer.accelerator=cpu", "trainer.log_every_n_steps=1", "optimizer.lr=1e-3",
    "callbacks=none", "checkpoint.every_minutes=null", "+callbacks.slow._target_=breaker.Slow", "trusted=[breaker]",
]  # fmt: skip


@dataclass(frozen=True)
class Lab:
    """The cluster, and the folder in which its users work.

    Attributes:
        folder: Where commands are typed; holds ``rows.csv`` and ``outputs``.
        state: Of the daemons.
    """

    folder: Path
    state: Path

    def sh(self, *command: str) -> str:
        """Ask Slurm."""
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def study(self, name: str) -> Path:
        """A study's folder."""
        return self.folder / "outputs" / name

    def run(self, study: str) -> Path:
        """The folder of the only run of a study."""
        [path] = {p.parent for p in self.study(study).glob("*/job.json")}
        return path

    def typed(self, study: str, *overrides: str) -> list[str]:
        """A command's arguments."""
        return ["train", "-m", *RUN, "data.train=rows.csv", f"study={study}", *overrides]

    def submit(self, study: str, *overrides: str, slow: bool = False) -> str:
        """Submit and leave, in this process since it has imported torch already; gives what is said.

        Args:
            study: Name of the study.
            *overrides: What is typed beside the encoder's and the data's.
            slow: Whether the first attempt of each job lingers, so that whatever is done to it finds it at work.
        """
        import contextlib
        import io

        from poolsweep.cli import main

        said = io.StringIO()
        with contextlib.redirect_stderr(said), pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLOW", str(int(slow)))  # a job has the environment of its submission
            status = main(self.typed(study, *overrides, "hydra.launcher.wait=false"))
        assert status == 0, said.getvalue()
        return said.getvalue()

    def steps(self, run: Path) -> int:
        """How many steps a run has made."""
        return (read_json(run / "status.json") or {}).get("step", 0)

    def jobs(self, study: str) -> list[str]:
        """Ids of all jobs that were ever submitted for a study."""
        names = {read_json(path)["name"] for path in self.study(study).glob("*/job.json")}
        return self.sh("squeue", "-hr", "--states=all", "--format=%i", f"--name={','.join(names)}").split()

    def log(self, study: str) -> str:
        """All that its jobs printed."""
        return "".join(path.read_text() for path in sorted(self.study(study).glob(".slurm/*/*log.out")))

    def wait(self, what: str, until: Callable[[], object], *, seconds: float = 600) -> None:
        """Look again and again."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.sh('squeue')}"
            time.sleep(0.1)

    def ended(self, study: str) -> bool:
        """Whether all jobs of a study have left the queue."""
        names = {read_json(path)["name"] for path in self.study(study).glob("*/job.json")}
        return bool(names) and not self.sh("squeue", "-h", f"--name={','.join(names)}").strip()

    def kill_node(self, node: str, pid: int) -> None:
        """Let a node die: its daemon, and the processes of its job, without a word."""
        daemon = int((self.state / "run" / f"slurmd-{node}.pid").read_text())
        step = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        for process in (daemon, step, pid):
            os.kill(process, signal.SIGKILL)


def _require() -> None:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [tool for tool in NEEDED if shutil.which(tool, path=path) is None]
    if missing or os.geteuid() != 0:
        reason = f"needs root and apt-get install --no-install-recommends {PACKAGES}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; CI must not skip it")
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of the daemons; SLURM_CONF points to them."""
    _require()
    state = tmp_path_factory.mktemp("slurm")
    try:
        subprocess.run([HERE / "cluster-up", state, "4"], check=True, timeout=180)
        os.environ["SLURM_CONF"] = str(state / "slurm.conf")
        yield state
    finally:
        os.environ.pop("SLURM_CONF", None)
        subprocess.run([HERE / "cluster-down", state], check=False, timeout=180)


@pytest.fixture(scope="session")
def lab(cluster: Path, tmp_path_factory: pytest.TempPathFactory, write_csv, animal_rows) -> Iterator[Lab]:
    """The working folder of a user of the cluster."""
    folder = tmp_path_factory.mktemp("lab")
    write_csv(folder / "rows.csv", [(f"{text} {i}", label) for i in range(7) for text, label in animal_rows])
    shutil.copy(HERE / "breaker.py", folder)
    before = Path.cwd()
    os.chdir(folder)
    kept = {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    patch = pytest.MonkeyPatch()
    for name, value in kept.items():
        patch.setenv(name, value)
    patch.syspath_prepend(str(folder))
    yield Lab(folder, cluster)
    patch.undo()
    os.chdir(before)


@pytest.fixture(autouse=True)
def outputs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jobs are submitted once for several tests, so all share one folder."""
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", "outputs")
    monkeypatch.setenv("COLUMNS", "200")
    return lab.folder / "outputs"


@pytest.fixture(scope="session")
def output_root(lab: Lab) -> Iterator[None]:
    """The same for fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POOLSWEEP_OUTPUTS", "outputs")
        yield

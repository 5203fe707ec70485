"""What every test starts from: no network, no user's caches, one thread, and little data sets."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kill import Kill

if TYPE_CHECKING:
    from poolsweep.config import RunConfig

# Before any import of datasets, huggingface_hub or wandb: they read these once.
_SESSION = Path(tempfile.mkdtemp(prefix="poolsweep-tests-"))
for _name in [
    name for name in os.environ if name.startswith(("WANDB_", "POOLSWEEP_", "SLURM_", "MLFLOW_", "TRACKIO_"))
]:
    del os.environ[_name]
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": str(_SESSION / "hf"),
    "HF_DATASETS_CACHE": str(_SESSION / "hf" / "datasets"),
    "XDG_CACHE_HOME": str(_SESSION / "xdg"),
    "POOLSWEEP_CACHE": str(_SESSION / "cache"),
    "TRACKIO_DIR": str(_SESSION / "trackio"),
    "NETRC": str(_SESSION / "no-netrc"),
    "TOKENIZERS_PARALLELISM": "false",
}


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_SESSION, ignore_errors=True)
    estimator = sys.modules.get("poolsweep.sklearn")
    if estimator is not None:  # a worker of pytest-xdist leaves without what a process does at its end
        estimator._temporary(os.getpid()).cleanup()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device that torch can use")
    if item.get_closest_marker("mps") is not None:
        import torch

        if not torch.backends.mps.is_available():
            pytest.skip("needs a Mac whose GPU torch can use")


@pytest.fixture
def finished_result() -> dict[str, object]:
    """The least that ``result.json`` of a finished run holds."""
    return {
        "status": "finished", "seconds": 50.0, "metrics": {"test/accuracy": 0.5}, "data": "d", "encoder": "e",
        "pooling": "cls", "regime": "probe", "setting": "v",
        "seed": 0, "monitor": "val/loss", "mode": "min", "parameters": {},
        "truncated_share": {},
    }  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How a command ended.

    Attributes:
        status: Exit status.
        out: Standard output.
        err: Standard error.
    """

    status: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """The lines of standard error, each without the program's name."""
        return [line.removeprefix("poolsweep: ") for line in self.err.splitlines()]


Cli = Callable[..., Done]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's runs go unless it says otherwise."""
    folder = tmp_path / "outputs"
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(folder))
    monkeypatch.setattr(sys, "argv", ["pytest"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``poolsweep`` in this process."""
    from poolsweep.cli import main

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def write_csv() -> Callable[..., Path]:
    """Write rows under a header to a csv file."""

    def write(path: Path, rows: Sequence[Sequence[str]], *, header: Sequence[str] = ("text", "label")) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


@pytest.fixture(scope="session")
def animal_rows() -> list[tuple[str, str]]:
    """63 texts that a bag of letters separates by label, in mixed order; the lengths differ."""
    sounds = {"cat": "meow", "dog": "woof", "owl": "huhu"}
    names = list(sounds)
    return [(f"{sounds[names[i % 3]]} {'x' * (i % 7)} {i}", names[i % 3]) for i in range(63)]


@pytest.fixture(scope="session")
def animals(tmp_path_factory: pytest.TempPathFactory, write_csv: Callable[..., Path], animal_rows: list) -> Path:
    """``animal_rows`` as a file called animals.csv."""
    return write_csv(tmp_path_factory.mktemp("data") / "animals.csv", animal_rows)


@pytest.fixture(scope="session")
def tiny_run(animals: Path) -> list[str]:
    """Overrides of a run that takes a fraction of a second."""
    return [
        "encoder=tiny", "data=files", f"data.train={animals}", "data.batch_size=16", "data.eval_batch_size=4",
        "trainer.max_epochs=2", "trainer.accelerator=cpu",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def short_run(tiny_run: list[str]) -> list[str]:
    """A run with 51 training rows in batches of 8: seven steps an epoch, two validations in each."""
    return [
        *tiny_run, "data.batch_size=8", "data.eval_batch_size=3", "trainer.val_check_interval=3",
        "trainer.log_every_n_steps=1", "optimizer.lr=1e-3", "encoder.num_layers=2",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def run_of(short_run: list[str], write_csv: Callable[..., Path], animal_rows: list, tmp_path_factory) -> Callable:
    """Overrides of a short run by what it learns: siamese, multilabel, regression, or weighted for weighed labels."""
    columns: dict[str, list[str]] = {"siamese": [], "multilabel": [], "regression": [], "weighted": []}
    for i, (text, label) in enumerate(animal_rows):
        columns["siamese"].append("same" if animal_rows[(5 * i + 2) % 63][1] == label else "other")
        columns["multilabel"].append(f"{label}|long" if text.count("x") > 3 else label)
        columns["regression"].append(f"{3 + 10 * ord(label[0]) + text.count('x')}")
        columns["weighted"].append(label if i % 4 == 0 else "cat")
    keys = {
        "siamese": ["data.text_pair=text_pair", "pairs=siamese"],
        "multilabel": [
            "task=multilabel",
            "task.thresholds=fitted",
            "loss.pos_weight=balanced",
            "calibrate=temperature",
        ],
        "regression": ["task=regression"],
        "weighted": ["loss.weight=balanced", "calibrate=temperature"],
    }
    given = [one for one in short_run if not one.startswith("data.train=")]
    folder = tmp_path_factory.mktemp("tasks")

    def overrides(kind: str) -> list[str]:
        others = [f"{animal_rows[(5 * i + 2) % 63][0]} and more" for i in range(63)]
        rows = [
            (text, other, label) for (text, _), other, label in zip(animal_rows, others, columns[kind], strict=True)
        ]
        path = write_csv(folder / f"{kind}.csv", rows, header=("text", "text_pair", "label"))
        return [*given, f"data.train={path}", *keys[kind]]

    return overrides


@pytest.fixture
def bits() -> Callable[[Path], dict[str, object]]:
    """All of a finished run that has to be the same after an interruption."""
    files = (
        "labels.json", "predictions-validation.parquet", "predictions-test.parquet", "checkpoints/best.safetensors",
    )  # fmt: skip

    def of(folder: Path) -> dict[str, object]:
        result = json.loads((folder / "result.json").read_text())
        assert result["status"] == "finished"
        found: dict[str, object] = {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (*files, "metrics.csv")
        }
        kept = ("metrics", "best_epoch", "epochs", "steps", "parameters", "truncated_share")
        return found | {key: result[key] for key in kept}

    return of


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[Kill]]:
    """Die at a moment, counted over the starts of all steps and the ends of validations."""

    @contextmanager
    def killed(moment: int) -> Iterator[Kill]:
        from poolsweep.callbacks.best_weights import BestWeights
        from poolsweep.model.lightning import LightningClassifier

        kill = Kill(moment, [])

        def before(kind: type, name: str) -> None:
            method = getattr(kind, name)
            patch.setattr(kind, name, lambda *given: (kill.meet(name), method(*given))[1])

        def after(kind: type, name: str) -> None:
            method = getattr(kind, name)
            patch.setattr(kind, name, lambda *given: (method(*given), kill.meet(name))[0])

        with monkeypatch.context() as patch:
            for step in ("training_step", "validation_step", "test_step"):
                before(LightningClassifier, step)
            for step in ("save", "on_validation_end"):
                after(BestWeights, step)
            yield kill

    return killed


@pytest.fixture
def compose() -> Callable[..., RunConfig]:
    """The config of some overrides."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    from poolsweep.conf_dir import conf_dir
    from poolsweep.config import resolve
    from poolsweep.training.sources import task_of_data

    def resolved(*overrides: str) -> RunConfig:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return resolve(hydra_compose("train", overrides=list(overrides)), find_task=task_of_data)

    return resolved


@pytest.fixture
def refused_sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No connection is made and no name looked up; what was asked for is noted."""
    asked: list[object] = []

    def refuse(*given: object, **options: object) -> None:
        asked.append(given[-1])
        raise OSError("sockets are refused in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


@pytest.fixture
def no_new_files(tmp_path: Path) -> Iterator[None]:
    """Fails if the test leaves a file or folder in the folder of its outputs."""
    yield
    left = [str(path) for path in (tmp_path / "outputs").rglob("*")]
    assert not left, "a refused command wrote something"

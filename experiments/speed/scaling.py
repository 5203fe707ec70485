"""CPU time and memory of verbs against runs of a study, and of a run against rows of its data."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from many_rows import generate

from poolsweep.config.run_config import RunConfig
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.identity import setting_id
from poolsweep.runs.records import fingerprints, read_result, write_result
from poolsweep.runs.stored_config import read_config, write_config
from poolsweep.training.job import folder_of

RUNS = (10, 100, 1_000, 10_000)
ROWS = (10_000, 100_000, 1_000_000)
POOLINGS = (
    "cls", "masked_mean", "max", "last4_concat", "last4_mean", "second_to_last_mean", "first_last_mean",
    "cls_last4_mean", "max_cls", "all_weighted_sum",
)  # fmt: skip
_TEXTS = 3_000  # a tenth of them is tested
_CHANGED = 0.05  # share of a run's predictions that are another run's luck
# In a small process of its own: the highest memory of a process counts what its parent had when it forked.
_MEASURED = """
import os, sys
command = [sys.executable, "-m", "poolsweep", *sys.argv[1:]]
_, status, used = os.wait4(os.posix_spawn(sys.executable, command, os.environ), 0)
print(f"\\n{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Used:
    """What a command took.

    Attributes:
        seconds: CPU seconds of the process and of those that it waited for.
        mebibytes: Highest resident memory.
    """

    seconds: float
    mebibytes: float


def scaling(*, most_runs: int) -> None:
    """Print what each verb takes, and the exponent with which it grows.

    Args:
        most_runs: Runs of the largest study.
    """
    with tempfile.TemporaryDirectory() as root:
        place = Path(root)
        os.environ |= {"POOLSWEEP_OUTPUTS": str(place / "outputs"), "POOLSWEEP_CACHE": str(place / "cache")}
        _runs([n for n in RUNS if n <= most_runs], place)
        _rows(ROWS, place)


def _runs(counts: Sequence[int], root: Path) -> None:
    data = root / "texts.csv"
    generate(data, _TEXTS)
    verbs: dict[str, list[Used]] = {"train -m typed again": [], "status": [], "report": []}
    for count in counts:
        sweep = Sweep.of(count, data)
        sweep.make(root / "outputs")
        verbs["train -m typed again"].append(_used(["train", "-m", *sweep.typed], says=f"{count} finished before"))
        verbs["status"].append(_used(["status", sweep.study], says=f"{count} finished"))
        verbs["report"].append(_used(["report", sweep.study], says="report.html"))
        shutil.rmtree(root / "outputs" / sweep.study)
    for verb, used in verbs.items():
        _say(verb, "runs", counts, used)


def _rows(counts: Sequence[int], root: Path) -> None:
    used = []
    for count in counts:
        data = root / f"{count}.csv"
        generate(data, count)
        few = ["+trainer.limit_train_batches=20", "+trainer.limit_val_batches=2", "+trainer.limit_test_batches=2"]
        typed = ["encoder=tiny", "data=files", f"data.train={data}", "trainer.max_epochs=1", "trainer.accelerator=cpu"]
        used.append(_used(["train", *typed, *few, f"study=rows-{count}"], says="test/accuracy"))
        data.unlink()
    _say("train, 20 steps", "rows", counts, used)


@dataclass(frozen=True)
class Sweep:
    """A sweep that has finished.

    Attributes:
        study: Its name.
        data: A csv file.
        poolings: Presets.
        seeds: Number of seeds.
        rates: Learning rates of the head.
    """

    study: str
    data: Path
    poolings: tuple[str, ...]
    seeds: int
    rates: tuple[float, ...]

    @classmethod
    def of(cls, count: int, data: Path) -> Sweep:
        """A sweep of so many runs: ten poolings and ten seeds, and as many learning rates as it takes."""
        seeds = min(10, count // 5)
        poolings = POOLINGS[: min(10, count // seeds)]
        rates = tuple(round(1e-3 + 1e-5 * place, 8) for place in range(count // seeds // len(poolings)))
        return cls(f"runs-{count}", data, poolings, seeds, rates)

    @property
    def typed(self) -> list[str]:
        """Overrides of the command."""
        seeds, rates = (",".join(map(str, values)) for values in (range(self.seeds), self.rates))
        return [*self._overrides(",".join(self.poolings), seeds, rates), f"study={self.study}"]

    def _overrides(self, pooling: str, seed: object, rate: object) -> list[str]:
        return [
            "data=files", f"data.train={self.data}", "encoder=tiny", "encoder.frozen=true", "trainer.max_epochs=1",
            f"pooling={pooling}", f"seed={seed}", f"optimizer.head_lr={rate}",
        ]  # fmt: skip

    def make(self, root: Path) -> None:
        """Train one run a pooling, and make of it what the others would have left.

        Args:
            root: Folder of studies.
        """
        first = [*self._overrides(",".join(self.poolings), 0, self.rates[0]), f"study={self.study}"]
        _used(["train", "-m", *first], says="report")
        for path in [path.parent for path in (root / self.study).glob("*/result.json")]:
            run = RunFolder(path)
            content = read_config(run.config).plain()
            for seed, rate in product(range(self.seeds), self.rates):
                seeds = {"seed": seed, "init_seed": seed, "data_seed": seed}
                optimizer = content["optimizer"] | {"head_lr": rate}
                self._clone(run, RunConfig.of(content | seeds | {"optimizer": optimizer}))

    def _clone(self, run: RunFolder, config: RunConfig) -> None:
        folder, run_id = folder_of(config)
        if folder.path.exists():
            return
        shutil.copytree(run.path, folder.path)
        write_config(folder.config, config.content)
        result = read_result(folder.path)
        assert result is not None
        for split in ("validation", "test"):
            _change(folder.predictions(split), np.random.default_rng(int(run_id, 16)))
        record = RunRecord(folder.path, {**result, "files": {}})
        predicted = read_predictions(record)
        assert predicted is not None
        measured = {f"test/{name}": float(value) for name, value in predicted.recomputed().items()}
        name = " ".join(self._overrides(config.pooling_name, config.seed, config.optimizer["head_lr"]))
        facts = {"run_id": run_id, "seed": config.seed, "name": name, "setting": setting_id(config)}
        told = {**result, **facts, "metrics": {**result["metrics"], **measured}, "files": fingerprints(folder.path)}
        write_result(folder.path, told)


def _change(path: Path, chance: np.random.Generator) -> None:
    """Give some texts the label that comes next, so that runs differ as those of other seeds do."""
    table = pq.read_table(path)
    chances = np.stack(table.column("probabilities").to_numpy(zero_copy_only=False))
    names = sorted(set(table.column("label").to_pylist()))
    some = chance.uniform(size=len(chances)) < _CHANGED
    chances[some] = np.roll(chances[some], 1, axis=1)
    told = pa.FixedSizeListArray.from_arrays(chances.ravel(), chances.shape[1])
    predicted = pa.array(names).take(pa.array(chances.argmax(axis=1)))
    for name, column in (("probabilities", told), ("predicted", predicted)):
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, path)


def _used(arguments: list[str], *, says: str) -> Used:
    """Run a command of ``poolsweep``, which must print something."""
    with tempfile.TemporaryFile("w+") as log:
        status = subprocess.call([sys.executable, "-c", _MEASURED, *arguments], stdout=log, stderr=log)
        log.seek(0)
        printed = log.read()
    if status or says not in printed:
        raise SystemExit(printed)
    return Used(*map(float, printed.splitlines()[-1].split()))


def _say(verb: str, what: str, counts: Sequence[int], used: Sequence[Used]) -> None:
    """Print a line a count, and the exponent of what comes on top of the smallest."""
    for count, one in zip(counts, used, strict=True):
        print(f"{verb:<22} {count:>9,} {what}  {one.seconds:8.1f} s of CPU  {one.mebibytes:7.0f} MiB", flush=True)
    exponents = [_exponent(counts, [getattr(one, key) for one in used]) for key in ("seconds", "mebibytes")]
    print(f"{verb:<22} grows with exponent {exponents[0]} in time and {exponents[1]} in memory", flush=True)


def _exponent(counts: Sequence[int], measured: Sequence[float]) -> str:
    """Slope of the logarithms of what a count adds to the smallest one."""
    added = [(math.log(n - counts[0]), value - measured[0]) for n, value in zip(counts[1:], measured[1:], strict=True)]
    grown = [(place, math.log(value)) for place, value in added if value > 0]
    places, values = np.array(grown).reshape(-1, 2).T
    return f"{np.polyfit(places, values, 1)[0]:.2f}" if len(grown) > 1 else "?"

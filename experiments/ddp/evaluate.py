"""Evaluates the weights of a finished run again, in as many processes as torchrun starts.

    python -m torch.distributed.run --nproc-per-node=2 experiments/ddp/evaluate.py outputs/ddp/0123456789ab FOLDER

Writes predictions-validation.parquet, predictions-test.parquet and metrics.json to FOLDER.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml
from safetensors.torch import load_file

from poolsweep.config import RunConfig
from poolsweep.distributed.device import device_of
from poolsweep.distributed.group import process_group
from poolsweep.distributed.world import ALONE, given_world
from poolsweep.files.writing import write_json
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.fit import TrainingRun
from poolsweep.training.job import checked


def evaluated(run: RunFolder, target: RunFolder) -> None:
    """Read a run's config and best weights, and write what they give on validation and test."""
    world = given_world() or ALONE
    content = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    content["trainer"] |= {"devices": world.size, "strategy": "ddp"}
    config = RunConfig.of(content | {"logger": None})
    with process_group(world, device=device_of(config, world)):
        status = StatusFile(target, name="evaluated", run_id=run.path.name, lock=None)
        built = build(config, checked(config), folder=target, run_id=run.path.name, status=status, world=world)
        assert isinstance(built, TrainingRun)
        missing, unexpected = built.classifier.load_state_dict(load_file(run.best), strict=False)
        state = built.classifier.state_dict()
        assert not unexpected
        assert not [name for name in missing if state[name].numel()]
        metrics = built.evaluate(target)
        if world.rank == 0:
            write_json(target.path / "metrics.json", metrics)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    given.target.mkdir(parents=True, exist_ok=True)
    quiet_third_parties()
    evaluated(RunFolder(given.run), RunFolder(given.target))

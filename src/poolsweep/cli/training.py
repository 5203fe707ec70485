"""``poolsweep train`` and ``poolsweep submit``: their overrides are Hydra's business."""

from __future__ import annotations

from poolsweep.cli.examples import examples
from poolsweep.extras import require
from poolsweep.launch.cluster.leave import leave_job
from poolsweep.process.allocator import keep_freed_memory
from poolsweep.process.collector import importing
from poolsweep.process.signals import Interrupted, stop_signals
from poolsweep.process.slurm_job import in_own_job

_TRAIN_HELP = """\
usage: poolsweep train [-m] [OVERRIDES]

Trains one run, or with -m every combination of comma-separated values (a
sweep), and tests each once with the checkpoint that is best on validation.

overrides:
  GROUP=OPTION         swap a part:   pooling=cls encoder=bert_base data=files
  KEY=VALUE            set a value:   seed=1 trainer.max_epochs=5
  KEY=A,B,C            with -m, sweep it: pooling=cls,masked_mean seed=0,1,2
  pooling/layers=… pooling/tokens=…   the two halves of a pooling
  pooling/chunks=mean  read texts longer than data.max_length in windows

often used:
  data=files data.train=train.csv data.test=test.csv
  data.text=COLUMN data.label=COLUMN
  encoder.frozen=true  train the head alone on features that are computed once
  study=NAME           runs of one study share a folder and a leaderboard
  retry=never          leave what failed; retry=all: run everything again
                       (default: failed)
  on_failure=stop      end a sweep after a run that failed (default: continue)
  sweep=race           with -m: drop poolings early that cannot be the best,
                       and save their seeds
  sweep=optuna         with -m: Optuna chooses the values:
                       'optimizer.lr=tag(log,interval(1e-5,1e-3))'
                       optuna.trials=40
  hydra/launcher=local several runs at once, each on cores or GPUs of its own
  logger=wandb         also tensorboard, mlflow, trackio; several:
                       'logger=[wandb,mlflow]'
  experiment=demo      a named set of overrides
  trainer=debug        a few batches, in the study debug: does it run at all?
  --print-config       show the resolved config as a tree, then train

Hydra's own options:
  -m, --multirun         sweep
  --cfg job              print the composed config and stop
  --info defaults-tree   print which files it is made of
"""

_SUBMIT_HELP = """\
usage: poolsweep submit [OVERRIDES] [--dry-run]

Submits every combination of comma-separated values as a Slurm job of its own,
in arrays, and leaves. Typed again, it submits what has neither a result nor a
job, and when all is done it prints the leaderboard. It is the same as
poolsweep train -m hydra/launcher=slurm hydra.launcher.wait=false.

  hydra.launcher.partition=gpu hydra.launcher.account=lab
  hydra.launcher.time=4:00:00 hydra.launcher.memory=32G
  hydra.launcher.gpus=auto      one GPU per device of trainer.devices
                                (default: none)
  hydra.launcher.parallel=16    runs of an array at a time
  --dry-run                     print the sbatch scripts, and submit nothing;
                                they can be stored, edited and submitted

All keys: conf/hydra/launcher/slurm.yaml.
poolsweep status STUDY --watch follows the jobs.
"""


def train(arguments: list[str]) -> int:
    """Train a run, or with ``-m`` a sweep."""
    if {"-h", "--help"} & set(arguments):
        print(f"{_TRAIN_HELP}\n{examples('train')}", end="")
        return 0
    keep_freed_memory()
    with stop_signals:  # torch takes its time to load, and Slurm may speak meanwhile
        try:
            with importing():
                from poolsweep.cli.launch import launch

            return launch(arguments)
        except Interrupted:
            if not in_own_job():
                raise
            leave_job(lambda: stop_signals.received)


def submit(arguments: list[str]) -> int:
    """Submit a sweep as jobs of a Slurm cluster, and leave."""
    if {"-h", "--help"} & set(arguments):
        print(f"{_SUBMIT_HELP}\n{examples('submit')}", end="")
        return 0
    require("submitit", asked_by="poolsweep submit", extra="slurm")
    dry = "--dry-run" in arguments
    given = [argument for argument in arguments if argument not in {"--dry-run", "-m", "--multirun"}]
    ours = ["hydra/launcher=slurm", "hydra.launcher.wait=false", f"hydra.launcher.dry_run={str(dry).lower()}"]
    return train(["-m", *ours, *given])

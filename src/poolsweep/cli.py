"""The verbs of ``poolsweep``. Nothing heavy is imported before a verb needs it, so that help is instant."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from poolsweep import __version__
from poolsweep.cluster.leave import in_own_job, leave_job
from poolsweep.errors import UserError
from poolsweep.run.signals import Interrupted, stop_signals

_HELP = f"""\
poolsweep {__version__}: which way of pooling a BERT encoder is best for your texts, and is the difference real?

usage: poolsweep VERB [ARGUMENTS]

  train [OVERRIDES]      one run:    poolsweep train pooling=cls seed=1
  train -m [OVERRIDES]   a sweep:    poolsweep train -m pooling=cls,pooler,masked_mean,last4_concat seed=0,1,2
  submit [OVERRIDES]     a sweep as jobs of a Slurm cluster, without waiting; --dry-run prints the sbatch scripts
  status [STUDY]         which runs are finished, running, failed (and why) or missing
  report STUDY           the leaderboard, and a page with charts, cautions and all runs:  poolsweep report demo
  dashboard STUDY        the report while the sweep runs, in a browser on this machine
  sync STUDY             sends offline W&B runs (says first which: --yes sends them)
  wandb-sweep OVERRIDES  prints a sweep.yaml for W&B's agents:  poolsweep wandb-sweep pooling=cls,max seed=0,1
  poolings               every pooling with its formula, source, output size and parameters
  check CLASS            the conformance suite on a pooling of your own:  poolsweep check my_package.MyPooling
  explain RUN            what each token and layer of a text contributed:  poolsweep explain outputs/demo/ID --text "…"

poolsweep VERB --help says more. Results lie in outputs/<study>/; the same command again skips what is finished.
POOLSWEEP_DEBUG=1 shows the traceback behind an error.
"""

_TRAIN_HELP = """\
usage: poolsweep train [-m] [OVERRIDES]

Trains one run, or with -m every combination of comma-separated values (a sweep), and tests each once with the
checkpoint that is best on validation.

overrides:
  GROUP=OPTION           swap a part:       pooling=cls  encoder=bert_base  data=files
  KEY=VALUE              set a value:       seed=1  trainer.max_epochs=5  optimizer.head_lr=1e-3
  KEY=A,B,C              with -m, sweep it: pooling=cls,masked_mean seed=0,1,2  trainer.precision=32,bf16-mixed
  pooling/layers=… pooling/tokens=…         the two halves of a pooling, each on its own

often used:
  data=files data.train=train.csv data.test=test.csv data.text=COLUMN data.label=COLUMN
  encoder.frozen=true    train the head alone on features that are computed once
  study=NAME             runs of one study share a folder, outputs/NAME, and a leaderboard
  retry=never            leave what failed; retry=all: run everything again (default: failed)
  sweep=race             with -m: stop hopeless poolings early, and spend seeds on those that could be the best
  on_failure=stop        end a sweep after a run that failed (default: continue)
  logger=wandb           also tensorboard, mlflow, trackio; several: 'logger=[wandb,mlflow]'
  experiment=demo        a named set of overrides

Hydra's own options:
  -m, --multirun         sweep
  --cfg job              print the composed config and stop
  --info defaults-tree   print which files it is made of
"""

_SUBMIT_HELP = """\
usage: poolsweep submit [OVERRIDES] [--dry-run]

Submits every combination of comma-separated values as a Slurm job of its own, in arrays, and leaves. Typed again, it
submits only what has neither a result nor a job, and when all is done it prints the leaderboard. It is
poolsweep train -m hydra/launcher=slurm hydra.launcher.wait=false.

  hydra.launcher.partition=gpu hydra.launcher.account=lab hydra.launcher.time=4:00:00 hydra.launcher.memory=32G
  hydra.launcher.gpus=auto         one GPU per device of trainer.devices (default: none)
  hydra.launcher.parallel=16       runs of an array at a time
  --dry-run                        print the sbatch scripts and submit nothing; they can be stored, edited and submitted

All keys: conf/hydra/launcher/slurm.yaml. poolsweep status STUDY --watch follows the jobs.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; returns the exit status: 0 done, 1 a run failed, 2 a user's mistake, 130 or 143 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments.pop(0) if arguments else "--help"
    verbs: dict[str, Callable[[list[str]], int]] = {
        "train": _train,
        "submit": _submit,
        "status": _status,
        "report": _report,
        "dashboard": _dashboard,
        "sync": _sync,
        "wandb-sweep": _wandb_sweep,
        "poolings": _poolings,
        "check": _check,
        "explain": _explain,
    }
    if verb in {"-h", "--help", "help"}:
        print(_HELP, end="")
        return 0
    if verb in {"-V", "--version"}:
        print(f"poolsweep {__version__}")
        return 0
    try:
        if verb not in verbs:
            from poolsweep.errors import nearest

            raise UserError(f"there is no verb {verb!r}; {nearest(verb, verbs)}")
        return verbs[verb](arguments)
    except UserError as error:
        if os.environ.get("POOLSWEEP_DEBUG") == "1":
            raise
        for problem in error.problems:
            print(f"poolsweep: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("poolsweep: interrupted", file=sys.stderr)
        return 130
    except Interrupted as interruption:
        print("poolsweep: interrupted; the same command again goes on from here", file=sys.stderr)
        return 128 + interruption.signum


def _train(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(_TRAIN_HELP, end="")
        return 0
    with stop_signals:  # torch takes its time to load, and Slurm may speak meanwhile
        try:
            from poolsweep.launch import launch

            return launch(arguments)
        except Interrupted:
            if not in_own_job():
                raise
            leave_job(lambda: stop_signals.received)


def _submit(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(_SUBMIT_HELP, end="")
        return 0
    dry = "--dry-run" in arguments
    given = [argument for argument in arguments if argument not in {"--dry-run", "-m", "--multirun"}]
    ours = ["hydra/launcher=slurm", "hydra.launcher.wait=false", f"hydra.launcher.dry_run={str(dry).lower()}"]
    return _train(["-m", *ours, *given])


def _status(arguments: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="poolsweep status",
        description="Which runs are finished, running, failed (and why) or missing; exit status 1 if one failed.",
    )
    parser.add_argument("study", nargs="?", metavar="STUDY", help="a name or a folder (default: all studies)")
    parser.add_argument("--watch", action="store_true", help="refresh until every run has ended")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    given = parser.parse_args(arguments)
    from poolsweep.sweep.status_command import run_status

    return run_status(given.study, watch=given.watch, as_json=given.json)


def _report(arguments: list[str]) -> int:
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="poolsweep report",
        description="Compares the runs of a study: which pooling is best, and is the difference real? Writes a page "
        "that loads nothing (report.html), tables (csv, LaTeX, Markdown), runs.parquet and figures (SVG, PDF).",
    )
    parser.add_argument("studies", metavar="STUDY", nargs="+", help="name under the output root, or a path; or several")
    parser.add_argument("--baseline", default="cls", help="pooling that the others are held against (default: cls)")
    parser.add_argument("--metric", default="accuracy", help="accuracy (default), f1_macro or mcc")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: STUDY/report)")
    parser.add_argument("--no-texts", action="store_true", help="keep the texts of the test split out of the page")
    given = parser.parse_args(arguments)
    from rich.console import Console

    from poolsweep.report.command import report

    report(
        given.studies, baseline=given.baseline, metric=given.metric, out=given.out, with_texts=not given.no_texts,
        console=Console(),
    )  # fmt: skip
    return 0


def _dashboard(arguments: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="poolsweep dashboard",
        description="Serves progress and report of a study to browsers on this machine, refreshed while the sweep "
        "runs. From elsewhere: ssh -L 8765:localhost:8765 HOST.",
    )
    parser.add_argument("study", metavar="STUDY", help="a name or a folder")
    parser.add_argument("--port", type=int, default=8765, help="default: 8765; 0: any that is free")
    parser.add_argument("--no-texts", action="store_true", help="keep the texts of the test split out of the page")
    given = parser.parse_args(arguments)
    from poolsweep.dashboard.command import dashboard

    return dashboard(given.study, port=given.port, with_texts=not given.no_texts)


def _sync(arguments: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="poolsweep sync",
        description="Says which offline W&B runs of a study would be sent; with --yes, sends them. "
        "Exit status 1 if one could not be sent.",
    )
    parser.add_argument("study", metavar="STUDY", help="a name or a folder")
    parser.add_argument("--yes", action="store_true", help="send them")
    parser.add_argument("--timeout-minutes", type=float, default=10, help="for each run (default: 10)")
    given = parser.parse_args(arguments)
    if given.timeout_minutes <= 0:
        raise UserError(f"--timeout-minutes must be above 0, got {given.timeout_minutes:g}")
    from rich.console import Console

    from poolsweep.loggers.sync import sync
    from poolsweep.sweep.status import find_studies

    [study] = find_studies(given.study)
    return sync(study, send=given.yes, timeout_minutes=given.timeout_minutes, console=Console())


def _wandb_sweep(arguments: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="poolsweep wandb-sweep",
        description="Prints a sweep.yaml by which W&B's agents run poolsweep train: values separated by commas are "
        "swept, the other overrides are given to every run.",
    )
    parser.add_argument("--method", choices=["grid", "random", "bayes"], default="grid", help="default: grid")
    parser.add_argument("--project", default="poolsweep", help="W&B project (default: poolsweep)")
    given, overrides = parser.parse_known_args(arguments)
    from poolsweep.loggers.agent import sweep_yaml

    print(sweep_yaml(overrides, method=given.method, project=given.project), end="")
    return 0


def _poolings(arguments: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="poolsweep poolings", description="Every pooling with its formula, output size and parameters."
    )
    parser.add_argument("--hidden-size", type=int, default=384, help="of the encoder (default: MiniLM's 384)")
    parser.add_argument("--num-layers", type=int, default=6, help="of the encoder (default: MiniLM's 6)")
    given = parser.parse_args(arguments)
    from poolsweep.pooling.catalogue import print_catalogue

    print_catalogue(hidden_size=given.hidden_size, num_layers=given.num_layers)
    return 0


def _check(arguments: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="poolsweep check",
        description="Runs the conformance suite on a class: padding, half precision, long rows, gradients, export.",
    )
    parser.add_argument("target", metavar="CLASS", help="dotted name of a TokenPooling, a LayerMix or a whole pooling")
    parser.add_argument("options", metavar="KEY=VALUE", nargs="*", help="options of the class, as in YAML")
    given = parser.parse_args(arguments)
    import yaml

    from poolsweep.pooling.conformance.command import run_check

    wrong = [option for option in given.options if "=" not in option]
    if wrong:
        raise UserError(*(f"{option!r} must be KEY=VALUE" for option in wrong))
    sys.path.insert(0, "")  # a class of the folder that the command is typed in
    return run_check(given.target, {k: yaml.safe_load(v) for k, v in (o.split("=", 1) for o in given.options)})


def _explain(arguments: list[str]) -> int:
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="poolsweep explain",
        description="Shows what each token and each layer of a text contributed to its vector in a finished run.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder: outputs/STUDY/ID")
    parser.add_argument("--text", action="append", required=True, help="a text; may be given several times")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page too")
    parser.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE", help="of your own, if the run names it"
    )
    given = parser.parse_args(arguments)
    from poolsweep.report.explain import explain_run

    explain_run(given.run, given.text, page=given.html, trusted=given.trust)
    return 0

"""The program: finds the verb, and turns what ends it into an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from poolsweep import __version__
from poolsweep.cli.completion import completion
from poolsweep.cli.environment import env
from poolsweep.cli.evaluation import evaluate, refit
from poolsweep.cli.export import export
from poolsweep.cli.poolings import check, explain, poolings
from poolsweep.cli.project import init
from poolsweep.cli.studies import clean, dashboard, report, status
from poolsweep.cli.trackers import sync, wandb_sweep
from poolsweep.cli.training import submit, train
from poolsweep.cli.use import encode, predict
from poolsweep.errors import UserError, nearest
from poolsweep.files.faults import in_words, is_full
from poolsweep.process.interpreter import start_safely
from poolsweep.process.signals import Interrupted
from poolsweep.terminal.text import in_one_line, print_problem, shown_output

VERBS: dict[str, Callable[[list[str]], int]] = {
    "train": train,
    "submit": submit,
    "status": status,
    "report": report,
    "dashboard": dashboard,
    "sync": sync,
    "wandb-sweep": wandb_sweep,
    "poolings": poolings,
    "check": check,
    "explain": explain,
    "predict": predict,
    "encode": encode,
    "export": export,
    "refit": refit,
    "evaluate": evaluate,
    "init": init,
    "clean": clean,
    "env": env,
}

_HELP = f"""\
poolsweep {__version__}: which way of pooling an encoder is best for your texts,
and is the difference real?

usage: poolsweep VERB [ARGUMENTS]

  train [OVERRIDES]      one run:  poolsweep train pooling=cls seed=1
  train -m [OVERRIDES]   a sweep:  poolsweep train -m pooling=cls,max seed=0,1,2
  submit [OVERRIDES]     a sweep as jobs of a Slurm cluster, without waiting;
                         --dry-run prints the sbatch scripts
  status [STUDY]         which runs are finished, running, failed or missing
  report STUDY           the leaderboard, and a page with charts, cautions and
                         all runs:  poolsweep report demo
  dashboard STUDY        the report while the sweep runs, in a browser here
  sync STUDY             sends offline W&B runs (--yes; says first which)
  wandb-sweep OVERRIDES  prints a sweep.yaml for W&B's agents
  refit STUDY[:POOLING]  the model to ship: the chosen setting, fitted on all
                         training rows:  poolsweep refit demo
  evaluate MODEL         how good it is on a file with labels, with intervals:
                         poolsweep evaluate demo --data FILE
  poolings               every pooling: formula, source, size and parameters
  check CLASS            the conformance suite on a pooling of your own:
                         poolsweep check my_package.MyPooling
  explain MODEL          what each token and layer of a text contributed:
                         poolsweep explain outputs/demo/ID --text "…"
  predict MODEL          what the model says of every text of a file:
                         poolsweep predict demo --input new.csv --output out.csv
  encode MODEL           vectors of every text of a file, of a run or of any
                         encoder and pooling:  --output vectors.parquet
  export MODEL           the model for another library, proven equal without
                         poolsweep:  --to transformers --output FOLDER
  init [FOLDER]          a small project: an experiment, an own pooling, a
                         Slurm profile, a README
  clean [STUDY]          what can be removed, and how much; --yes removes it
  env                    versions, hardware and places, for a report of a fault

poolsweep VERB --help says more. Results lie in outputs/<study>/; the same
command again skips what is finished. poolsweep --completion bash|zsh|fish
prints what makes a shell complete verbs, options, groups and keys.
POOLSWEEP_DEBUG=1 shows the traceback behind an error.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb.

    Args:
        argv: What was typed after ``poolsweep``; None = of this process.
    Returns:
        The exit status: 0 done, 1 a run failed, 2 a user's mistake, 130 or 143 interrupted.
    """
    start_safely()
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments.pop(0) if arguments else "--help"
    with shown_output():
        try:
            if verb in {"-h", "--help", "help"}:
                print(_HELP, end="")
            elif verb in {"-V", "--version"}:
                print(f"poolsweep {__version__}")
            elif verb == "--completion":
                print(completion(arguments[0] if arguments else ""), end="")
            elif verb not in VERBS:
                raise UserError(f"there is no verb {verb!r}; {nearest(verb, VERBS)}")
            else:
                return VERBS[verb](arguments)
            return 0
        except (UserError, OSError) as error:
            if os.environ.get("POOLSWEEP_DEBUG") == "1":
                raise
            return _refused(error, arguments)
        except KeyboardInterrupt:
            print("poolsweep: interrupted", file=sys.stderr)
            return 130
        except Interrupted as interruption:
            print("poolsweep: interrupted; the same command again goes on from here", file=sys.stderr)
            return 128 + interruption.signum


def _refused(error: UserError | OSError, arguments: Sequence[str]) -> int:
    """Say why in a line for each problem; returns the exit status."""
    if isinstance(error, BrokenPipeError):  # whoever read has read enough; what is left to flush goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    problems = error.problems if isinstance(error, UserError) else [in_words(error, arguments)]
    for problem in problems:
        print_problem(f"poolsweep: {in_one_line(problem)}")
    return 1 if is_full(error) else 2

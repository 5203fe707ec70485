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
from poolsweep.cli.recommend import recommend
from poolsweep.cli.studies import clean, dashboard, report, status
from poolsweep.cli.trackers import sync, wandb_sweep
from poolsweep.cli.training import submit, train
from poolsweep.cli.use import encode, predict
from poolsweep.errors import UserError, nearest
from poolsweep.files.faults import in_words, is_full
from poolsweep.process.collector import own_process
from poolsweep.process.interpreter import start_safely
from poolsweep.process.signals import Interrupted
from poolsweep.terminal.text import in_one_line, print_problem, shown_output

VERBS: dict[str, Callable[[list[str]], int]] = {
    "train": train,
    "submit": submit,
    "status": status,
    "report": report,
    "dashboard": dashboard,
    "refit": refit,
    "evaluate": evaluate,
    "predict": predict,
    "encode": encode,
    "explain": explain,
    "export": export,
    "recommend": recommend,
    "poolings": poolings,
    "check": check,
    "sync": sync,
    "wandb-sweep": wandb_sweep,
    "init": init,
    "clean": clean,
    "env": env,
}

_HELP = f"""\
poolsweep {__version__}: which way of pooling an encoder is best for your texts,
and is the difference real?

usage: poolsweep VERB [ARGUMENTS]

from texts to a model:
  poolsweep train -m experiment=demo       nine poolings, each over five seeds
  poolsweep report demo                    which is best, and a page with charts
  poolsweep refit demo                     the chosen one, fitted on all rows
  poolsweep predict demo --input new.csv   what it says of your texts

run:
  train [OVERRIDES]      one run
  train -m [OVERRIDES]   a sweep: every combination of values between commas
  submit [OVERRIDES]     a sweep as jobs of a Slurm cluster, without waiting
  status [STUDY ...]     which runs are finished, running, failed or missing

read the answer:
  report STUDY ...       the leaderboard; a page with charts and cautions
  dashboard STUDY        the same while the sweep runs, in a browser here

use the winner:
  refit STUDY[:POOLING]  the model to ship, fitted on all training rows
  evaluate MODEL         how good it is on a file with labels, with intervals
  predict MODEL          what it says of every text of a file
  encode MODEL           the vector of every text of a file; also of an encoder
                         and a pooling without any training
  explain MODEL          what each token and each layer of a text contributed
  export MODEL           for transformers, sentence-transformers, ONNX Runtime
                         or plain torch, proven equal without poolsweep

poolings:
  recommend              which to take by rows, task and length, with evidence
  poolings               every pooling: formula, source, size and parameters
  check CLASS            the conformance suite on a pooling of your own

Weights & Biases:
  sync STUDY             what of its offline runs would be sent; --yes sends it
  wandb-sweep OVERRIDES  a sweep.yaml for W&B's agents

this installation:
  init [FOLDER]          a small project of your own: an experiment, a pooling,
                         a Slurm profile, a README
  clean [STUDY]          what can be removed, and how much; --yes removes it
  env                    versions, hardware and places, for a report of a fault

poolsweep VERB --help says more, with examples. STUDY is a name in outputs/, or
a folder; MODEL is a study, STUDY:POOLING, or the folder of a run. The same
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
    if argv is None:
        own_process()
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments.pop(0) if arguments else "--help"
    if verb == "help" and arguments:
        verb, arguments = arguments[0], ["--help"]
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

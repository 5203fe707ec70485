"""``poolsweep refit`` and ``evaluate``: the model to ship, and how good one is on other texts."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from poolsweep.cli.arguments import VerbParser
from poolsweep.errors import UserError
from poolsweep.terminal.progress import loading
from poolsweep.terminal.text import in_one_line, print_problem


def refit(arguments: list[str]) -> int:
    """Fit the chosen setting on all training rows."""
    parser = VerbParser(
        "refit",
        "Fits the setting that a study chose on all training rows, as a run of its own: the model to ship. Validation "
        "rows are held back and select penalty or epoch. The same command again is instant.",
    )
    parser.add_argument(
        "model", metavar="STUDY[:POOLING]", help="a study (its best pooling on validation) or a pooling"
    )
    parser.add_argument(
        "--with-validation", action="store_true",
        help="train on the validation rows too; what they selected is fixed: the penalty that most replicates chose, "
        "or the median step after which they were best",
    )  # fmt: skip
    parser.add_trust()
    given = parser.parse_args(arguments)
    from poolsweep.predict.choose import choose_contender

    chosen = choose_contender(given.model)
    _say(f"{chosen.line}; it is fitted on all training rows")
    with loading("torch and transformers"):
        from poolsweep.cli.single_run import end_workers, run_once, said
        from poolsweep.process.signals import stop_signals
        from poolsweep.refit import refit_config, require_same_content
        from poolsweep.terminal.console import Console

    config = refit_config(
        chosen, with_validation=given.with_validation, trusted=given.trust, trust_remote_code=given.trust_remote_code
    )
    try:
        with warnings.catch_warnings(), stop_signals:
            run_once(
                config, name=f"refit {chosen.name}" + " --with-validation" * given.with_validation,
                require=lambda prepared: require_same_content(chosen, config, prepared),
            )  # fmt: skip
        Console().say(
            "The setting was chosen with other runs of this study. These scores are not independent of that choice, "
            "and stand in no leaderboard."
        )
    except UserError:
        raise
    except said() as error:
        print_problem(f"poolsweep: {error}")
        return 1
    finally:
        end_workers()
    return 0


def evaluate(arguments: list[str]) -> int:
    """Measure a model on a file."""
    parser = VerbParser(
        "evaluate",
        "Measures a model on a file of texts with labels: every metric with a 95% interval over texts, and every "
        "label. Labels that the model does not have are refused with their rows.",
    )
    parser.add_model()
    parser.add_argument("--data", type=Path, metavar="FILE", help="csv, tsv, jsonl, json or parquet")
    parser.add_text_columns()
    parser.add_argument("--label", metavar="COLUMN", help="with the label (default: as in training)")
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="write every prediction too: csv or parquet")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    parser.add_argument(
        "--speed", action="store_true",
        help="texts per second of one run of each pooling that MODEL covers, at 1 and 64 texts a call, and the size of "
        "its weights, for the report; on --data, or the run's own test texts",
    )  # fmt: skip
    parser.add_place()
    parser.add_trust()
    given = parser.parse_args(arguments)
    if given.speed:
        _speed(given)
        if given.data is None:
            return 0
    if given.data is None:
        raise UserError("--data FILE must be given; poolsweep evaluate --help says more")
    with loading("torch and transformers"):
        from poolsweep.predict.evaluate import evaluate as measure
        from poolsweep.predict.evaluate import read_labelled
        from poolsweep.predict.evaluation_output import as_json, prediction_writer, print_evaluation
        from poolsweep.predict.load import load_model
        from poolsweep.terminal.console import Console

    write = None if given.predictions is None else prediction_writer(given.predictions, data=given.data)
    model = load_model(
        given.model, device=given.device, precision=given.precision, say=_say, trusted=given.trust,
        trust_remote_code=given.trust_remote_code,
    )  # fmt: skip
    split = read_labelled(given.data, model, text=given.text, text_pair=given.text_pair, label=given.label)
    found = measure(model, split)
    if write is not None:
        write(found)
    if given.json:
        print(as_json(found, name=model.name, data=given.data))
    else:
        print_evaluation(found, name=model.name, console=Console())
    return 0


def _speed(given: argparse.Namespace) -> None:
    with loading("torch and transformers"):
        from poolsweep.predict.speed_command import measure_runs
        from poolsweep.terminal.console import Console

    measure_runs(
        given.model, data=given.data, text=given.text, text_pair=given.text_pair, label=given.label,
        device=given.device, precision=given.precision, trusted=given.trust,
        trust_remote_code=given.trust_remote_code, console=Console(stderr=given.json),
    )  # fmt: skip


def _say(line: str) -> None:
    from poolsweep.terminal.console import Console

    Console(stderr=True).say(in_one_line(line))

"""``poolsweep refit`` and ``evaluate``: the model to ship, and how good one is on other texts."""

from __future__ import annotations

import sys
import warnings

from poolsweep.cli.arguments import VerbParser
from poolsweep.errors import UserError
from poolsweep.terminal.progress import said_if_slow
from poolsweep.terminal.text import print_problem


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
    print(f"{chosen.line}; it is fitted on all training rows", file=sys.stderr)
    with said_if_slow("loading torch and transformers"):
        from poolsweep.cli.single_run import end_workers, run_once, said
        from poolsweep.process.signals import stop_signals
        from poolsweep.refit import refit_config, require_same_content

    config = refit_config(
        chosen, with_validation=given.with_validation, trusted=given.trust, trust_remote_code=given.trust_remote_code
    )
    try:
        with warnings.catch_warnings(), stop_signals:
            run_once(
                config, name=f"refit {chosen.name}" + " --with-validation" * given.with_validation,
                require=lambda prepared: require_same_content(chosen, config, prepared),
            )  # fmt: skip
    except UserError:
        raise
    except said() as error:
        print_problem(f"poolsweep: {error}")
        return 1
    finally:
        end_workers()
    return 0

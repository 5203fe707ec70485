"""``poolsweep poolings``, ``check`` and ``explain``: what poolings there are, and what one of them does."""

from __future__ import annotations

from pathlib import Path

from poolsweep.cli.arguments import VerbParser
from poolsweep.errors import UserError
from poolsweep.process.user_imports import import_from_here
from poolsweep.terminal.progress import loading
from poolsweep.terminal.text import in_one_line


def poolings(arguments: list[str]) -> int:
    """List every pooling."""
    parser = VerbParser("poolings", "Every pooling with its formula, output size and parameters.")
    parser.add_argument("--hidden-size", type=int, default=384, help="of the encoder (default: MiniLM's 384)")
    parser.add_argument("--num-layers", type=int, default=6, help="of the encoder (default: MiniLM's 6)")
    given = parser.parse_args(arguments)
    with loading("torch"):
        from poolsweep.pooling.catalogue import print_catalogue

    print_catalogue(hidden_size=given.hidden_size, num_layers=given.num_layers)
    return 0


def check(arguments: list[str]) -> int:
    """Run the conformance suite on a class."""
    parser = VerbParser(
        "check", "Runs the conformance suite on a class: padding, half precision, long rows, gradients, export."
    )
    parser.add_argument("target", metavar="CLASS", help="dotted name of a TokenPooling, a LayerMix or a whole pooling")
    # With a default, argparse does not call them required.
    parser.add_argument("options", metavar="KEY=VALUE", nargs="*", default=[], help="options of the class, as in YAML")
    given = parser.parse_args(arguments)
    import yaml

    with loading("torch and transformers"):
        from poolsweep.pooling.conformance.suite import run_check

    wrong = [option for option in given.options if "=" not in option]
    if wrong:
        raise UserError(*(f"{option!r} must be KEY=VALUE" for option in wrong))
    import_from_here()
    return run_check(given.target, {k: yaml.safe_load(v) for k, v in (o.split("=", 1) for o in given.options)})


def explain(arguments: list[str]) -> int:
    """Show what tokens and layers contributed in a finished run."""
    parser = VerbParser(
        "explain", "Shows what each token and each layer of a text contributed to its vector in a finished run."
    )
    parser.add_model(note="; of a pooling with several replicates a refit or a run")
    parser.add_argument("--text", action="append", required=True, help="a text; may be given several times")
    parser.add_argument("--text-pair", action="append", metavar="TEXT", help="each one's second, for runs on pairs")
    parser.add_argument("--label", metavar="NAME", help="say the probability of this label, not what is predicted")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page too")
    parser.add_trust()
    given = parser.parse_args(arguments)
    from poolsweep.predict.choose import choose

    choice = choose(given.model)
    run = choice.single()
    if choice.line is not None:
        from poolsweep.terminal.console import Console

        Console(stderr=True).say(in_one_line(choice.line))
    with loading("torch and transformers"):
        from poolsweep.explain import explain_run

    explain_run(
        run, given.text, page=given.html, pairs=given.text_pair, label=given.label, trusted=given.trust,
        trust_remote_code=given.trust_remote_code,
    )  # fmt: skip
    return 0

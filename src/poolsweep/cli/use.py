"""``poolsweep predict`` and ``encode``: a trained model reads texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolsweep.cli.arguments import VerbParser
from poolsweep.errors import UserError
from poolsweep.terminal.progress import loading

if TYPE_CHECKING:
    from poolsweep.predict.command import RowOptions


def predict(arguments: list[str]) -> int:
    """Predict the texts of a file."""
    parser = VerbParser(
        "predict",
        "Predicts every text of a file. The output has all columns of the input, and what the task predicts beside "
        "them. Interrupted, the same command goes on where it was.",
    )
    parser.add_model()
    _add_rows(parser, output="csv, jsonl or parquet by its ending (default: csv to standard output)", required=False)
    parser.add_argument("--probabilities", action="store_true", help="a column probability_LABEL for each label, too")
    given = parser.parse_args(arguments)
    with loading("torch and transformers"):
        from poolsweep.predict.command import check_output, predict_rows
        from poolsweep.predict.ensemble import Ensemble, recorded_scores
        from poolsweep.predict.load import load_model
        from poolsweep.terminal.console import Console

    console, typed = Console(stderr=True), _typed(given)
    check_output(typed, vectors=False)
    model = load_model(
        given.model, device=given.device, precision=given.precision, say=console.say, trusted=given.trust,
        trust_remote_code=given.trust_remote_code,
    )  # fmt: skip
    if isinstance(model, Ensemble) and (scores := recorded_scores([Path(one.name) for one in model.members])):
        console.say(scores)
    predict_rows(model, typed, all_outputs=given.probabilities, console=console)
    return 0


def encode(arguments: list[str]) -> int:
    """Turn the texts of a file into vectors."""
    parser = VerbParser(
        "encode",
        "Writes the pooled vector of every text of a file: of a finished run, or of an encoder and a pooling "
        "without any training (--encoder minilm --pooling masked_mean). Interrupted, the same command goes on where it "
        "was.",
    )
    parser.add_model(optional=True, note="; or none, with --encoder and --pooling")
    parser.add_argument("--encoder", metavar="NAME", help="minilm, a folder, or a model's name on the hub")
    parser.add_argument("--pooling", metavar="NAME", help="a pooling without weights: poolsweep poolings lists them")
    parser.add_argument(
        "--max-length", type=int, metavar="TOKENS", help="with --encoder (default: its folder's, or all)"
    )
    parser.add_argument("--prompt", metavar="NAME", help="with --encoder: a prompt of its sentence-transformers folder")
    parser.add_argument("--text-prefix", metavar="TEXT", help="with --encoder: before every text, in place of a prompt")
    parser.add_argument("--pool-prefix", choices=["true", "false"], help="whether its tokens are pooled")
    _add_rows(parser, output="parquet (all columns, and vector) or npy (the vectors alone)", required=True)
    given = parser.parse_args(arguments)
    if (given.model is None) == (given.encoder is None):
        raise UserError("give MODEL, or --encoder and --pooling; poolsweep encode --help says more")
    if (given.encoder is None) != (given.pooling is None):
        raise UserError("--encoder and --pooling go together; a run has its own")
    if given.max_length is not None and (given.encoder is None or given.max_length < 1):
        raise UserError(f"--max-length goes with --encoder and must be at least 1, got {given.max_length}")
    prompts = _prompts(given)
    with loading("torch and transformers"):
        from poolsweep.predict.command import check_output, encode_rows
        from poolsweep.predict.encoder_model import load_untrained
        from poolsweep.predict.load import load_model
        from poolsweep.terminal.console import Console

    console, typed = Console(stderr=True), _typed(given)
    check_output(typed, vectors=True)
    place: dict[str, Any] = {"device": given.device, "precision": given.precision}
    if given.encoder is not None:
        model = load_untrained(
            given.encoder, given.pooling, text_pair=given.text_pair, max_length=given.max_length,
            trust_remote_code=given.trust_remote_code, **place, **prompts,
        )  # fmt: skip
    else:
        model = load_model(
            given.model, single=True, say=console.say, trusted=given.trust, trust_remote_code=given.trust_remote_code,
            **place,
        )  # fmt: skip
    encode_rows(model, typed, console=console)
    return 0


def _prompts(given: Any) -> dict[str, Any]:  # noqa: ANN401
    """What is to be put before every text, as an encoder's options."""
    pool_prefix = None if given.pool_prefix is None else given.pool_prefix == "true"
    found = {"prompt": given.prompt, "prefix": given.text_prefix, "pool_prefix": pool_prefix}
    found = {name: value for name, value in found.items() if value is not None}
    if found and given.encoder is None:
        raise UserError("--prompt, --text-prefix and --pool-prefix go with --encoder; a run has its own")
    return found


def _add_rows(parser: VerbParser, *, output: str, required: bool) -> None:
    """Take what both verbs read and write."""
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help="csv, tsv, jsonl, json or parquet; - = standard input, a text a line",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", required=required, help=output)
    parser.add_text_columns()
    parser.add_argument(
        "--quoted", choices=["true", "false"], help='whether " quotes fields (default: in csv, not tsv)'
    )
    parser.add_argument("--prefix", default="", metavar="TEXT", help="put before the names of new columns")
    parser.add_argument(
        "--on-error", choices=["stop", "skip"], default="stop",
        help="at a row without a text, or that cannot be read: stop (default), or leave it out",
    )  # fmt: skip
    parser.add_place()
    parser.add_trust()


def _typed(given: Any) -> RowOptions:  # noqa: ANN401
    from poolsweep.predict.command import RowOptions

    return RowOptions(
        input=given.input, output=given.output, text=given.text, text_pair=given.text_pair,
        quoted=None if given.quoted is None else given.quoted == "true", skip=given.on_error == "skip",
        prefix=given.prefix,
    )  # fmt: skip

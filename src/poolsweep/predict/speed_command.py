"""``poolsweep evaluate MODEL --speed``: measures runs, writes it into their folders, and prints a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from poolsweep.errors import UserError
from poolsweep.predict.choose import Choice, all_contenders, is_run
from poolsweep.predict.evaluate import read_labelled
from poolsweep.predict.export_record import is_export
from poolsweep.predict.load import load_chosen
from poolsweep.predict.run_model import RunModel
from poolsweep.predict.speed import measure_speed, own_test_split
from poolsweep.runs.speed import Speed, write_speed
from poolsweep.terminal.console import Console
from poolsweep.terminal.table import make_table
from poolsweep.terminal.text import in_one_line


def measure_runs(
    given: str, *, data: Path | None, text: str | None, text_pair: str | None, label: str | None,
    device: str, precision: str, trusted: Sequence[str], trust_remote_code: bool, console: Console,
) -> None:  # fmt: skip
    """Measure a run, or one run of each contender that a word covers: the others of a contender cost the same.

    Args:
        given: A run folder, ``STUDY`` or ``STUDY:POOLING``.
        data: File of texts with labels; None = each run's own test split.
        text: Name of the column with the text.
        text_pair: Name of the column with the second text.
        label: Name of the column with the label.
        device: Device, as ``load_model`` takes it.
        precision: Precision, as ``load_model`` takes it.
        trusted: Packages of your own whose classes the runs name.
        trust_remote_code: Run the model code that the runs' encoder carries.
        console: Console to print to.
    Raises:
        UserError: If there is no such run, or it is refused.
    """
    table = make_table("model", "texts/s at 1", "texts/s at 64", "weights")
    measured: list[Speed] = []
    for name, run in _runs(given):
        choice = Choice("run", (run,), name)
        model = load_chosen(
            choice, device=device, precision=precision, trusted=trusted, trust_remote_code=trust_remote_code
        )
        assert isinstance(model, RunModel)
        split = (
            own_test_split(model)
            if data is None
            else read_labelled(data, model, text=text, text_pair=text_pair, label=label)
        )
        speed = measure_speed(model, split)
        write_speed(run, speed)
        measured.append(speed)
        rates = (f"{rate:,.1f}" for rate in speed.texts_per_second.values())
        table.add_row(Text(in_one_line(name)), *rates, f"{speed.weight_bytes / 1e6:,.1f} MB")
    console.print(table)
    console.say(f"From texts to predictions on {measured[0].hardware}. poolsweep report shows it too.")


def _runs(given: str) -> list[tuple[str, Path]]:
    if is_export(Path(given)):
        raise UserError(f"{given} is an export, and --speed measures runs, for the report; name the run it was made of")
    if is_run(Path(given)):
        return [(given, Path(given))]
    return [(chosen.name, chosen.contender.runs[min(chosen.contender.runs)].path) for chosen in all_contenders(given)]

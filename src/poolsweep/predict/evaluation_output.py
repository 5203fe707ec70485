"""What is printed and written of an evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rich.table import Table
from rich.text import Text

from poolsweep.errors import UserError
from poolsweep.files.writing import write_whole
from poolsweep.metric_names import METRICS
from poolsweep.predict.evaluate import Evaluation, LabelScore, Score
from poolsweep.predict.output.text import joined
from poolsweep.terminal.console import Console
from poolsweep.terminal.table import make_table
from poolsweep.terminal.text import in_one_line, number

_COVERS = "95% intervals cover other texts like these alone: not other seeds, and not other kinds of texts."


def print_evaluation(found: Evaluation, *, name: str, console: Console) -> None:
    """Print metrics with intervals, and a line for each label where there are any.

    Args:
        found: Evaluation of any model.
        name: What was evaluated.
        console: Console to print to.
    """
    rows, means = len(found), found.mean_of_members()
    console.say(f"{in_one_line(name)} on {rows:,} text{'s' * (rows != 1)}", style="bold")
    table = make_table("", "score", "95% interval", *(["mean of the single runs"] if means else []))
    for metric, score in found.metrics().items():
        single = [number(means[metric], ".4f")] if means else []
        table.add_row(METRICS[metric].title, number(score.value, ".4f"), _interval(score), *single)
    console.print(table)
    console.say(_COVERS)
    if means:
        console.say(f"The score is that of {len(found.members)} runs together: the mean of what they predict.")
    if labels := found.by_label():
        console.print()
        console.print(_label_table(labels))
    if found.truncated:
        console.say(f"{found.truncated / rows:.1%} of the texts were cut to the model's maximum length.")


def _label_table(labels: Sequence[LabelScore]) -> Table:
    table = make_table("label", "precision", "recall", "F1", "texts")
    for one in labels:
        scores = (number(value, ".4f") for value in (one.precision, one.recall, one.f1))
        table.add_row(Text(in_one_line(one.label)), *scores, f"{one.support:,}")
    return table


def as_json(found: Evaluation, *, name: str, data: Path) -> str:
    """All of it, for programs; ends that are not known are null.

    Args:
        found: Evaluation of any model.
        name: What was evaluated.
        data: The file.
    """
    content: dict[str, Any] = {
        "model": name, "data": str(data), "task": found.task.name, "texts": len(found), "level": 0.95,
        "intervals_cover": "other texts",
        "metrics": {metric: asdict(score) for metric, score in found.metrics().items()},
        "truncated_share": found.truncated / len(found),
    }  # fmt: skip
    if labels := found.by_label():
        content["labels"] = [asdict(one) for one in labels]
    if found.members:
        content["single_runs"] = {"mean": found.mean_of_members(), "each": list(found.members)}
    return json.dumps(_without_nan(content), indent=2)


def prediction_writer(path: Path, *, data: Path) -> Callable[[Evaluation], None]:
    """What writes every prediction to a file, by its ending; refuses one that cannot be written before anything runs.

    Args:
        path: A csv or parquet file: the row, its target, what was predicted, and every output.
        data: File that is evaluated.
    Raises:
        UserError: If the ending is another, the folder does not exist, or it is the file that is evaluated.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise UserError(f"--predictions={path} must end in .csv or .parquet")
    if path.is_dir() or not path.parent.is_dir():
        raise UserError(f"--predictions={path} is no file that can be written: its folder must exist")

    if path.exists() and data.exists() and path.samefile(data):
        raise UserError(f"--predictions={path} is the file that is evaluated")

    def write(found: Evaluation) -> None:
        with write_whole(path) as temporary:
            if path.suffix.lower() == ".csv":
                pa_csv.write_csv(pa.table(joined(_predictions(found), found.contract.separator)), temporary)
            else:
                pq.write_table(pa.table(_predictions(found)), temporary)

    return write


def _predictions(found: Evaluation) -> dict[str, Any]:
    task, contract, outputs = found.task, found.contract, found.outputs
    target = task.columns(contract, found.outcomes.targets, outputs)["label"]
    target = pa.array(target) if isinstance(target, np.ndarray) else target
    columns = {"row": pa.array(np.arange(1, len(found) + 1)), "label": target}
    return columns | task.answers(contract, outputs, all_outputs=True)


def _interval(score: Score) -> str:
    return "–" if math.isnan(score.low) else f"{number(score.low, '.4f')} to {number(score.high, '.4f')}"


def _without_nan(node: Any) -> Any:  # noqa: ANN401
    if isinstance(node, dict):
        return {key: _without_nan(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_nan(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node

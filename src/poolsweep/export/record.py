"""``poolsweep.json``: what an export says of itself, so that poolsweep reads it back with its own code."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from poolsweep import __version__
from poolsweep.config import Node
from poolsweep.export.encoder import second_text
from poolsweep.export.format import Format, Wanted, Written
from poolsweep.files.writing import write_json
from poolsweep.predict.export_record import RECORD, VERSION
from poolsweep.runs.folder import RunFolder
from poolsweep.training.load import LoadedRun

_OF_THE_RUN = ("run_id", "study", "seed", "data", "data_id", "encoder", "pooling", "refit", "measured")


def write_record(
    folder: Path, run: LoadedRun, source: RunFolder, *, fmt: Format, wanted: Wanted, written: Written
) -> None:
    """Write the record of an export.

    Args:
        folder: The exported model.
        run: The run that it is made of.
        source: The run's folder.
        fmt: Format of the folder.
        wanted: What was asked.
        written: What the format wrote.
    """
    result, task = source.finished() or {}, run.config.task
    readout = None if wanted.vectors else task.readout(run.contract)
    data, pooling = run.config.data, run.config.pooling
    record: dict[str, Any] = {
        "schema_version": VERSION,
        "poolsweep": __version__,
        "format": fmt.name,
        **asdict(wanted),
        "task": Node(run.config.content["task"]).plain(),
        "contract": (run.contract if readout is None else readout.contract).to_mapping(),
        "text": str(data.get("text") or "text"),
        "text_pair": second_text(run),
        "max_length": run.reading.max_length,
        "prefix": run.reading.prefix,
        "pool_prefix": run.reading.pool_prefix,
        "pooling": {
            "layers": pooling["layers"],
            "tokens": run.classifier.pooling.tokens.self_contained(pooling["tokens"]),
        },
        "num_layers": run.loaded.encoder.num_layers,
        "encoder": None if written.encoder is None else written.encoder.to_dict(),
        "weights": [asdict(each) for each in written.weights],
        "run": {name: result[name] for name in _OF_THE_RUN if result.get(name) is not None},
    }
    write_json(folder / RECORD, record)

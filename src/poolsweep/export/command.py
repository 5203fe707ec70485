"""Exports a run: written beside the folder it gets, proven there, and renamed only then."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from poolsweep.errors import UserError
from poolsweep.export.card import Made, write_card
from poolsweep.export.encoder import not_plain
from poolsweep.export.format import Wanted
from poolsweep.export.formats import format_named
from poolsweep.export.proof import Proof, prove
from poolsweep.export.record import write_record
from poolsweep.export.rows import rows_of_proof_file, rows_of_test_split
from poolsweep.extras import require
from poolsweep.predict.model import Reads
from poolsweep.predict.run_model import RunModel
from poolsweep.runs.folder import RunFolder
from poolsweep.training.load import LoadedRun, load_run


def export_run(
    path: Path,
    *,
    to: str,
    output: Path,
    wanted: Wanted,
    proof: Path | None = None,
    trusted: Sequence[str] = (),
    trust_remote_code: bool = False,
) -> Proof:
    """Write a run's model in a format, and prove it equal where poolsweep is not.

    Args:
        path: Folder of a finished run.
        to: Name of the format.
        output: A folder that does not exist or is empty.
        wanted: What is exported.
        proof: A file whose rows it is proven on; None = the run's test rows.
        trusted: Packages of your own whose classes the run names.
        trust_remote_code: Run the model code that the run's encoder carries.
    Raises:
        UserError: If it cannot be exported so, or there are no rows to prove it on.
        UnprovenError: If the exported model is not the run's; nothing is left of it.
    """
    fmt = format_named(to)
    for package in fmt.packages:
        require(package, asked_by=f"--to {to}", extra=to)
    _require_free(output)
    run = load_run(path, upcast=True, trusted=trusted, trust_remote_code=trust_remote_code)
    if run.config.task.readout(run.contract) is None:  # there is no head: what it has learnt, or not, is a vector
        wanted = replace(wanted, vectors=True)
    objection = _of_quantized(run) or _of_two_towers(run, wanted) or not_plain(run) or _of_long_texts(run)
    objection = objection or fmt.objection(run, wanted)
    if objection is not None:
        raise UserError(f"{path} cannot be exported to {to}: {objection}")
    source, model = RunFolder(path), RunModel(run, name=str(path))
    rows = rows_of_test_split(run, source) if proof is None else rows_of_proof_file(proof, _read(model, wanted))
    with _written_whole(output) as folder:
        written = fmt.write(run, folder, wanted)
        write_record(folder, run, source, fmt=fmt, wanted=wanted, written=written)
        proven = replace(prove(fmt, folder, model, rows, wanted), said=written.said)
        typed = ["poolsweep", "export", str(path), "--to", to, "--output", str(output)]
        typed += [f"--{name}" for name in ("vectors", "int8") if getattr(wanted, name)]
        typed += [] if proof is None else ["--proof", str(proof)]
        write_card(folder, Made(run=run, source=source, fmt=fmt, wanted=wanted, proof=proven, command=typed))
        return proven


def _read(model: RunModel, wanted: Wanted) -> Reads:
    return model.reads.of_vectors if wanted.vectors else model.reads


def _of_quantized(run: LoadedRun) -> str | None:
    quantize = run.config.encoder.get("quantize")
    return None if quantize is None else f"an export holds float32 weights, and encoder.quantize={quantize} has others"


def _of_two_towers(run: LoadedRun, wanted: Wanted) -> str | None:
    if wanted.vectors or not run.classifier.pairs.two_towers:
        return None
    return "its head reads the vectors of two texts (pairs=siamese); --vectors exports what makes each of them"


def _of_long_texts(run: LoadedRun) -> str | None:
    """Libraries cut a text at its end, and read one input of it."""
    if run.reading.cut.keep == "head":
        return None
    what = "reads long texts in windows" if run.reading.cut.keep == "windows" else "reads other ends of long texts"
    return (
        f"pooling={run.config.pooling_name} {what}, and an exported model reads the first {run.reading.max_length} "
        "tokens; poolsweep predict and encode read such a run"
    )


def _require_free(output: Path) -> None:
    if output.is_symlink():
        raise UserError(f"--output={output} is a link; name a folder that does not exist yet")
    if output.is_dir() and any(output.iterdir()):
        raise UserError(f"--output={output} is not empty; name a folder that does not exist yet")
    if output.exists() and not output.is_dir():
        raise UserError(f"--output={output} is a file; name a folder that does not exist yet")


@contextmanager
def _written_whole(output: Path) -> Iterator[Path]:
    """A folder beside ``output`` that gets its name when the block ends well, and is removed when not."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}-{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.rglob("*"):  # safetensors writes files that nobody else may read
            path.chmod(temporary.stat().st_mode & (0o777 if path.is_dir() else 0o666))
        if output.is_dir():
            output.rmdir()
        temporary.rename(output)
    finally:
        if temporary.exists():
            shutil.rmtree(temporary)

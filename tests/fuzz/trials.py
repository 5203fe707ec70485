"""Data files and model folders tried: each trained on, and what was read held against what is there."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
from forks import Ended, forked
from lines import FILES, Line
from models import Model, model, weight_problems
from tables import Table, same, spellings, table
from verdict import Place, wrong
from written import write_place

_TRAINS = ("encoder=tiny", "encoder.frozen=true", "trainer=probe", "pooling=cls")


def try_table(rng: Random, folder: Path) -> tuple[Table, Ended, list[str]]:
    """Train on a data file, read it again, and judge both."""
    folder.mkdir(parents=True)
    made = table(rng, folder)
    before = frozenset(path.name for path in folder.iterdir())
    path = f"data.train='{made.path.name}'"
    line = Line("train", ("data=files", path, *made.options, *_TRAINS))

    def work() -> int:
        from poolsweep.cli import main

        status = main(line.words)
        if status == 0:
            Path("read.json").write_text(json.dumps(_read(made)))
        return status

    ended = forked(work, folder=folder)
    read = folder / "read.json"
    found = json.loads(read.read_text()) if read.exists() else None
    read.unlink(missing_ok=True)
    problems = wrong(line, ended, Place(folder, before))
    if found is not None and made.rows is not None and (differs := same(found, made.rows)):
        problems.append(differs)
    if found is not None and made.rows is not None and not problems:
        problems += _predicted(made, folder)
    if found is not None and any(label is None or not str(label).strip() for _, label in found):
        problems.append("a row without a label was trained on")
    if ended.status == 2 and made.plain:
        problems.append("is refused, and nothing is wrong with it")
    return made, ended, problems


def _predicted(made: Table, folder: Path) -> list[str]:
    """Rows of the predictions whose label is not that of their row of the file."""
    assert made.rows is not None
    [run] = [path.parent for path in folder.rglob("result.json")]
    rows = [
        row
        for split in ("validation", "test")
        for row in pq.read_table(run / f"predictions-{split}.parquet").to_pylist()
    ]
    odd = [row["row_id"] for row in rows if row["label"] not in spellings(made.rows[row["row_id"]][1])]
    return [f"predictions have other labels than rows {odd[:5]} of the file"] if odd else []


def _read(made: Table) -> list[list[str | None]]:
    """All rows of a file, as the program reads them."""
    from poolsweep.data.sources.files import Files

    options = {one.partition("=")[0].removeprefix("data."): one.partition("=")[2].strip("'") for one in made.options}
    quoted = {"true": True, "false": False}.get(options.pop("quoted", ""))
    path = str(made.path)
    splits = Files(train=path, validation=path, test=path, quoted=quoted, **options).read()  # type: ignore[arg-type]
    columns = [splits.train.column(name).to_pylist() for name in ("text", "label")]
    return [list(row) for row in zip(*columns, strict=True)]


def try_model(rng: Random, folder: Path) -> tuple[Model, Ended, list[str]]:
    """Train on a model folder, load it again, and judge both."""
    write_place(folder)
    made_here = forked(lambda: _make(rng, folder), folder=folder)  # random weights are drawn in a fork: no threads here
    assert made_here.status == 0, made_here.err
    path = folder / "made.json"
    made = Model(folder / "enc", **json.loads(path.read_text()))
    path.unlink()
    before = frozenset(path.name for path in folder.iterdir())
    line = Line(
        "train", (*FILES[:2], "encoder=hub", "encoder.model=enc", "encoder.frozen=true", "trainer=probe", "pooling=cls")
    )

    def work() -> int:
        from poolsweep.cli import main

        status = main(line.words)
        if status == 0:
            from poolsweep.encoder.hub import hub

            loaded = hub(model="enc")
            problems = weight_problems(Path("enc"), loaded.encoder.model.state_dict())
            Path("problems.json").write_text(json.dumps(problems))
        return status

    ended = forked(work, folder=folder)
    said = folder / "problems.json"
    problems = json.loads(said.read_text()) if said.exists() else []
    said.unlink(missing_ok=True)
    problems += wrong(line, ended, Place(folder, before))
    if ended.status != 0 and made.plain:
        problems.append("is refused, and nothing is wrong with it")
    return made, ended, problems


def _make(rng: Random, folder: Path) -> int:
    made = model(rng, folder)
    (folder / "made.json").write_text(json.dumps({"plain": made.plain, "oddities": made.oddities}))
    return 0

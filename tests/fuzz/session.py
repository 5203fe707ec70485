"""One session of fuzzing: how much of what, with which seed, and what was found."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from forks import Ended, typed, warm
from lines import PROBE, SEEN, TUNE, Line, line
from trials import try_model, try_table
from verdict import Place, wrong
from written import write_place


def main() -> int:
    """Run what the command line asks for; gives 1 if something was wrong."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--lines", type=int, default=0, help="command lines")
    parser.add_argument("--files", type=int, default=0, help="data files")
    parser.add_argument("--folders", type=int, default=0, help="model folders")
    parser.add_argument("--seed", default="0", help="of all that is drawn (default: 0)")
    parser.add_argument("--only", type=int, metavar="N", help="the Nth alone, and say how it ended")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with the Nth")
    parser.add_argument("--all", action="store_true", help="say how each ended, not only what is wrong")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, and leave what was written")
    given = parser.parse_args()
    folder = (given.keep or Path(tempfile.mkdtemp(prefix="poolsweep-fuzz-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _run(given, folder)
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(given: argparse.Namespace, folder: Path) -> int:
    prepared = prepare(folder)
    kinds: dict[str, Callable[[Random, Path], tuple[object, Ended, list[str]]]] = {
        "lines": lambda rng, place: try_line(line(rng), prepared, place),
        "files": try_table,
        "folders": try_model,
    }
    return int(sum(try_many(kind, one, given, folder) for kind, one in kinds.items()) > 0)


def try_many(
    kind: str,
    one: Callable[[Random, Path], tuple[object, Ended, list[str]]],
    given: argparse.Namespace,
    folder: Path,
) -> int:
    """Try as many of a kind as are asked for; gives how many were wrong.

    Args:
        kind: Name of the option that says how many.
        one: Tries one, drawn at random, in a folder that is not there yet.
        given: The options.
        folder: Where these folders go.
    """
    count, ends = getattr(given, kind), Counter()
    numbers = range(given.first, given.first + count) if given.only is None else [given.only] * bool(count)
    found = 0
    for number in numbers:
        place = folder / f"{kind}-{number}"
        shutil.rmtree(place, ignore_errors=True)
        what, ended, problems = one(Random(f"{kind}-{given.seed}-{number}"), place)
        ends[ended.status] += 1
        found += bool(problems)
        show(f"--{kind} 1 --only {number}", given, what, ended, problems)
        if given.keep is None:
            shutil.rmtree(place, ignore_errors=True)
    if numbers:
        print(f"{len(numbers)} {kind} of seed {given.seed}: {found} wrong; ended with {dict(ends)}", flush=True)
    return found


def show(which: str, given: argparse.Namespace, what: object, ended: Ended, problems: list[str]) -> None:
    """Print one that is wrong, or any if it is the only one or all are asked for."""
    if not problems and given.only is None and not given.all:
        return
    print(f"{which} --seed {given.seed} ({ended.seconds:.1f} s, status {ended.status}): {what}", flush=True)
    for problem in problems:
        print(f"  WRONG: {problem}")
    tail = (
        [*ended.out.splitlines()[-4:], *ended.err.splitlines()[-4:]] if given.only is None else [ended.out, ended.err]
    )
    print(*(f"    | {text[:300] if given.only is None else text}" for text in tail), sep="\n", flush=True)


def prepare(folder: Path) -> Path:
    """Import all that lines import, and train the study that verbs read."""
    place = folder / "prepared"
    if not place.exists():
        write_place(place)
    study = [f"study={SEEN}", "pooling=cls,masked_mean", "seed=0,1"]
    warm(
        [["train", "-m", *PROBE, *study], ["train", *TUNE, "study=tuned", "pooling=cls"], ["report", SEEN]],
        folder=place,
    )
    return place


def try_line(line: Line, prepared: Path, folder: Path) -> tuple[Line, Ended, list[str]]:
    """Type a line in a folder of its own, and judge it."""
    if line.verb in {"train", "submit", "wandb-sweep"}:
        write_place(folder)
    else:
        shutil.copytree(prepared, folder)
    before = frozenset(path.name for path in folder.iterdir())
    runs = {"RUN": SEEN, "TUNED": "tuned"}
    words = [str(next((folder / "outputs" / runs[word]).glob("*/result.json")).parent) if word in runs else word
             for word in line.words]  # fmt: skip
    ended = typed(words, folder=folder)
    return line, ended, wrong(line, ended, Place(folder, before))

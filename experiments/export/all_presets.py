"""Trains every preset and exports it to every format, each proven on 200 texts where poolsweep cannot be imported.

    python experiments/export/all_presets.py                                     # all presets × 4 formats, tiny encoder
    python experiments/export/all_presets.py --encoder minilm
    python experiments/export/all_presets.py --pairs cls:onnx pooler:transformers

Prints a line for each pair and ends with status 1 if one is not proven.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from pathlib import Path

from poolsweep.cli import main
from poolsweep.errors import UserError
from poolsweep.export.command import export_run
from poolsweep.export.format import Wanted
from poolsweep.export.formats import NAMES
from poolsweep.export.proof import UnprovenError
from poolsweep.pooling.presets import preset_names
from poolsweep.report.results import load_results

WORDS = {
    "rain": ["wet", "cold", "drop", "grey", "cloud", "puddle", "storm", "autumn"],
    "snow": ["white", "ice", "frost", "winter", "flake", "sledge", "silent", "soft"],
    "sun": ["warm", "bright", "light", "yellow", "shine", "summer", "day", "sky"],
}
ODD = ["a", "?", "[MASK] [SEP] [UNK]", "ü ß 漢字 🙂", "two\nlines\tand a tab", "word " * 300]


def write_rows(path: Path, count: int, *, seed: int) -> None:
    """Texts of many lengths, some of them odd."""
    draw = random.Random(seed)
    every = [word for words in WORDS.values() for word in words]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(count):
            label = draw.choice(list(WORDS))
            words = (draw.choice(WORDS[label] if draw.random() < 0.7 else every) for _ in range(1 + draw.randrange(40)))
            rows.writerow([ODD[i] if seed and i < len(ODD) else " ".join(words), label])


def trained(root: Path, presets: list[str], encoder: str) -> dict[str, Path]:
    """Fine-tune the presets for one epoch: preset → run folder."""
    write_rows(root / "train.csv", 300, seed=0)
    typed = ["data=files", f"data.train={root / 'train.csv'}", f"encoder={encoder}", "trainer.max_epochs=1"]
    where = [f"output_root={root}", "study=presets", "seed=0", f"pooling={','.join(presets)}"]
    if main(["train", "-m", *typed, *where]) != 0:
        raise SystemExit("training failed")
    return {result["pooling"]: root / "presets" / result["run_id"] for result in load_results(root / "presets")}


def tried(run: Path, name: str, root: Path, preset: str) -> tuple[bool, str]:
    """Export one pair: whether it is proven, and what was found."""
    output = root / f"{preset}-{name}"
    try:
        proof = export_run(run, to=name, output=output, wanted=Wanted(), proof=root / "proof.csv")
    except UnprovenError as error:
        return False, str(error)
    except UserError as error:
        return "cannot be exported to" in str(error), str(error)  # refused by name: echo, whose text comes twice
    code = "custom code, " if name != "torch" and list(output.glob("*.py")) else ""
    return True, f"{code}largest difference {proof.largest:.1e} on {proof.rows} texts"


def run_pairs(pairs: list[tuple[str, str]], encoder: str) -> int:
    """Train, export and print; gives the number of pairs that are not proven."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_rows(root / "proof.csv", 200, seed=1)
        runs = trained(root, sorted({preset for preset, _ in pairs}), encoder)
        for preset, name in pairs:
            started = time.monotonic()
            proven, found = tried(runs[preset], name, root, preset)
            failed += not proven
            took = time.monotonic() - started
            said = "refused" if proven and "cannot be exported" in found else "proven" if proven else "FAILED"
            print(f"{said:7}  {preset:22} {name:22} {took:5.1f} s  {found}", flush=True)
    print(f"{len(pairs) - failed} of {len(pairs)} pairs proven or refused by name")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="tiny", help="default: tiny")
    parser.add_argument("--pairs", nargs="+", metavar="PRESET:FORMAT", help="default: all")
    given = parser.parse_args()
    presets = [preset for preset in preset_names() if preset != "own"]  # which needs a sentence-transformers folder
    every = [f"{preset}:{name}" for preset in presets for name in NAMES]
    chosen = [(preset, name) for preset, _, name in (pair.partition(":") for pair in given.pairs or every)]
    raise SystemExit(1 if run_pairs(chosen, given.encoder) else 0)

"""Which preset can be exported to which format, as the formats themselves say: the table of docs/export.md.

python experiments/export/table.py            # print it
python experiments/export/table.py --write    # put it into docs/export.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hydra import compose, initialize_config_dir

from poolsweep.conf_dir import conf_dir
from poolsweep.config import resolve
from poolsweep.data.reading import Reading
from poolsweep.export.encoder import not_plain
from poolsweep.export.format import Wanted
from poolsweep.export.formats import NAMES, format_named
from poolsweep.pooling.presets import preset_names
from poolsweep.tasks.labels import Labels
from poolsweep.training.classifier import build_classifier
from poolsweep.training.encoder import load_encoder
from poolsweep.training.load import LoadedRun
from poolsweep.training.pooling import build_pooling

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
BEGIN, END = "<!-- made by experiments/export/table.py -->", "<!-- end -->"


def untrained(preset: str) -> LoadedRun:
    """A run of a preset that was never trained."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        overrides = ["encoder=tiny", "task=classification", "data=files", "data.train=x", f"pooling={preset}"]
        overrides += ["pooling.tokens.modes=[mean]"] if preset == "own" else []  # no folder says them
        config = resolve(compose("train", overrides=overrides))
    loaded = load_encoder(config.encoder, tokens=config.tokens, init_seed=0)
    pooling = build_pooling(config.pooling, loaded)
    labels = Labels(("a", "b"))
    classifier = build_classifier(config, loaded.encoder, pooling, labels)
    return LoadedRun(config, labels, classifier.eval(), loaded, Reading(48, pooling.template))


def answer(run: LoadedRun, name: str) -> str:
    """What a format says of a pooling."""
    fmt = format_named(name)
    objection = not_plain(run) or fmt.objection(run, Wanted())
    return f"no: {objection}" if objection else "custom code" if fmt.needs_code(run) else "yes"


def table() -> str:
    """The table in Markdown."""
    lines = [f"| preset | {' | '.join(NAMES)} |", f"|---|{'---|' * len(NAMES)}"]
    for preset in preset_names():
        run = untrained(preset)
        lines.append(f"| {preset} | {' | '.join(answer(run, name) for name in NAMES)} |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with a new table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table())

"""Makes the figures and tables of README.md from results/, and the report's page where the runs are.

    python experiments/atlas/page.py [OUTPUTS]

With the runs in OUTPUTS (or $POOLSWEEP_OUTPUTS) the tables in results/ are collected first, and `poolsweep report`
compares the sets of part A on one page, OUTPUTS/atlas-report/report.html. Without runs the tables stay as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import findings as found_in
import lengths
import numpy as np
import winners
from collect import TIME, collect, read
from matplotlib.figure import Figure
from parts import CURVES, CUTS, LAYERS, LONGEST, PARTS, steps
from sets import HERE

from poolsweep.recommend import rules, table
from poolsweep.report.charts.across import Across, ranks_chart
from poolsweep.report.charts.drawing import draw
from poolsweep.report.charts.style import BASE, LEAD, REST, WIDE, house_style
from poolsweep.statistics import CriticalDifference, critical_difference

TOKENS = ("cls", "mean", "max", "last", "position_weighted_mean")
CURVE = {"cls": BASE, "masked_mean": LEAD, "last4_concat": REST}
FIGURES = {
    "ranks": "Critical-difference diagram", "layers": "Layers by tokens", "rows": "Scores by training rows",
}  # fmt: skip
Line = dict[str, str]


def means_of(scores: Sequence[Line]) -> tuple[list[str], list[str], np.ndarray]:
    """Sets of part A that are done, contenders that all of them have, and means (sets, contenders)."""
    means: dict[str, dict[str, float]] = defaultdict(dict)
    for line in scores:
        if line["part"] == "A" and line["data"] in found_in.EACH:
            means[line["data"]][line["contender"]] = float(line["mean"])
    names = sorted(set.intersection(*(set(own) for own in means.values()))) if means else []
    return [*means], names, np.array([[own[name] for name in names] for own in means.values()])


def ranking(scores: Sequence[Line]) -> CriticalDifference | None:
    """Mean ranks over the sets of part A; None of fewer than two."""
    sets, names, values = means_of(scores)
    return critical_difference(names, values) if min(len(sets), len(names)) > 1 else None


def rank_sentence(scores: Sequence[Line]) -> str | None:
    """What the ranks say; None of fewer than two sets."""
    ranks, (sets, names, _) = ranking(scores), means_of(scores)
    if ranks is None:
        return None
    with_best = [name for group in ranks.groups if ranks.names[0] in group for name in group][1:]
    return (
        f"{len(names)} poolings over {len(sets)} sets ({', '.join(sets)}). {ranks.names[0]} has the best mean rank, "
        f"{ranks.mean_ranks[0]:.1f}. Within the critical difference of it, {ranks.critical_difference:.1f} "
        f"(Nemenyi, 95%): {', '.join(with_best) or 'none'}. Friedman's test: p = {ranks.friedman.f_p_value:.2g}.\n\n"
    )


def layers(scores: Sequence[Line]) -> Figure | None:
    """Heat maps of layers by tokens, one for each set of part F that is done."""
    cells = {(one["data"], *half(one["contender"])): float(one["mean"]) for one in scores if one["part"] == "F"}
    done = [name for name in LAYERS if any(key[0] == name for key in cells)]
    if not done:
        return None
    figure = Figure(figsize=(WIDE, 3.1 * -(-len(done) // 3)), layout="constrained")
    for place, name in enumerate(done, 1):
        grid = np.array([[cells.get((name, layer, way), np.nan) for way in TOKENS] for layer in range(7)])
        axes = figure.add_subplot(-(-len(done) // 3), min(3, len(done)), place)
        axes.imshow(grid, cmap="Blues", aspect="auto")
        middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
        for (row, column), value in np.ndenumerate(grid):
            if not np.isnan(value):
                colour = "white" if value > middle else "black"
                axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=7.5, color=colour)
        axes.set_title(name)
        axes.set_xticks(range(len(TOKENS)), ["weighted" if way.startswith("position") else way for way in TOKENS])
        axes.set_yticks(range(7), ["embeddings", *(f"layer {i}" for i in range(1, 7))] if place % 3 == 1 else [""] * 7)
    return figure


def cut_texts(scores: Sequence[Line]) -> str:
    """Scores of part D by where texts are cut, as a table; a column is a number of tokens."""
    cells = {(one["data"], one["contender"], int(one["study"].rpartition("-")[2])): one["mean"]
             for one in scores if one["part"] == "D" and one["data"] in LONGEST}  # fmt: skip
    rows = ["| set | pooling | " + " | ".join(map(str, CUTS)) + " |", "|---|---|" + "---:|" * len(CUTS)]
    for data, name in dict.fromkeys(key[:2] for key in cells):
        own = [f"{float(cells[data, name, at]):.1f}" if (data, name, at) in cells else "–" for at in CUTS]
        rows.append(f"| {data} | {name} | {' | '.join(own)} |")
    return "\n".join([*rows, ""])


def half(contender: str) -> tuple[int, str]:
    """Layer and token pooling of a contender of part F."""
    if contender == "embeddings_mean":
        return 0, "mean"
    layer, _, tokens = contender.partition("+")
    return int(layer.removeprefix("single[index=").rstrip("]")), tokens


def curves(scores: Sequence[Line]) -> Figure | None:
    """Scores by training rows, frozen and fine-tuned, of the sets that have both or either."""
    panels = [(regime, name) for regime in ("frozen", "fine-tuned") for name in CURVES]
    regimes = {"C": "frozen", "B": "fine-tuned", "C2": "fine-tuned"}
    measured = [one for one in scores if one["rows"] != "all"]
    lines = {panel: [one for one in measured if (regimes.get(one["part"]), one["data"]) == panel] for panel in panels}
    shown = [panel for panel in panels if lines[panel]]
    if not shown:
        return None
    figure = Figure(figsize=(WIDE, 2.8), layout="constrained")
    for place, panel in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), place)
        for name, colour in CURVE.items():
            own = sorted((int(one["rows"]), float(one["mean"])) for one in lines[panel] if one["contender"] == name)
            axes.plot(*zip(*own, strict=True), "o-", color=colour, label=name, markersize=3) if own else None
        axes.set_xscale("log")
        axes.set_title(f"{panel[1]}, {panel[0]}")
        axes.set_xlabel("training rows")
        axes.legend()
    return figure


def claims(lines: Sequence[Line], *, published: bool) -> str:
    """The findings as a table: those about published claims, or the others that were measured."""
    kept = [one for one in lines if (one["expected"] != "?") is published and (published or one["low"])]
    rows = [f"| {'claim' if published else 'question'} | difference | points (95%) | sets | verdict |"]
    rows += ["|---|---|---:|---:|---|"]
    for one in kept:
        ends = f"{one['value']} ({one['low']} to {one['high']})" if one["low"] else "–"
        pair = f"{one['contender']} − {one['other']}"
        rows.append(f"| {one['claim']} | {pair} | {ends.replace('-', '−')} | {one['sets']} | {one['verdict']} |")
    return "\n".join([*rows, ""])


def times() -> str:
    """How long each part took, as a table."""
    rows = ["| part | what | studies done | runs | wall, min | CPU, min |", "|---|---|---:|---:|---:|---:|"]
    done, measured = {line["study"] for line in read("scores.csv")}, read("time.csv")
    for part, what in PARTS.items():
        planned = {step.study for step in steps() if step.part == part}
        own = [line for line in measured if line["part"] == part]
        runs, *seconds = (sum(float(line[key]) for line in own) for key in TIME[2:])
        minutes = " | ".join(f"{one / 60:.1f}" for one in seconds)
        rows.append(f"| {part} | {what} | {len(planned & done)} of {len(planned)} | {runs:.0f} | {minutes} |")
    return "\n".join([*rows, ""])


def agreement() -> str:
    """What agree.py found, as a table."""
    rows = ["| set | poolsweep | scikit-learn | difference |", "|---|---:|---:|---:|"]
    rows += ["| " + " | ".join(one.values()).replace("-", "−") + " |" for one in read("agree.csv")]
    return "\n".join([*rows, ""]).replace("scikit−learn", "scikit-learn")


def report(outputs: Path, studies: Sequence[str]) -> None:
    """The tool's own page over the sets of part A."""
    page = [
        "report",
        *(str(outputs / study) for study in studies),
        "--no-texts",
        "--out",
        str(outputs / "atlas-report"),
    ]
    subprocess.run([sys.executable, "-m", "poolsweep", *page], check=True, stdout=subprocess.DEVNULL)


def blocks(scores: Sequence[Line], lines: Sequence[Line]) -> dict[str, str]:
    """The parts of README.md that are made: name → content.

    Args:
        scores: Lines of scores.csv.
        lines: Lines of findings.csv.
    """
    drawn = {name: f"![{title}](figures/{name}.svg)\n" for name, title in FIGURES.items()
             if (HERE / "figures" / f"{name}.svg").is_file()}  # fmt: skip
    return {
        "claims": claims(lines, published=True), "findings": claims(lines, published=False), "time": times(),
        "rules": table(rules()), "ranks": (rank_sentence(scores) or "It takes two sets.\n") + drawn.pop("ranks", ""),
        "figures": "\n".join(drawn.values()), "agree": agreement(),
        "winners": winners.sentence(read("winners.csv")) + "\n" + winners.table(read("winners.csv")),
        "lengths": lengths.table(read("lengths.csv"), found_in.CLASSES) + "\n" + cut_texts(scores),
    }  # fmt: skip


def draw_all(scores: Sequence[Line]) -> None:
    """Write the figures that can be drawn."""
    with house_style():
        ranks = ranking(scores)
        ranked = ranks and ranks_chart(Across((), {}, np.zeros((0, 0)), (), ranks)).figure
        figures = {"ranks": ranked, "layers": layers(scores), "rows": curves(scores)}
        (HERE / "figures").mkdir(exist_ok=True)
        for name, figure in figures.items():
            if figure is not None:
                svg = draw(figure).svg.replace("<svg ", '<svg style="background:#fefefe" ', 1)
                (HERE / "figures" / f"{name}.svg").write_text(svg, encoding="utf-8")


def make(outputs: Path) -> None:
    """Everything that can be made of what is there."""
    if (outputs / "atlas-time.csv").is_file():
        collect(outputs)
    found_in.write_evidence()
    scores, page = read("scores.csv"), HERE / "README.md"
    draw_all(scores)
    for name, content in blocks(scores, read("findings.csv")).items():
        page.write_text(found_in.fill(page, name, content), encoding="utf-8")
    done = dict.fromkeys(line["study"] for line in scores if line["part"] == "A")
    if done and all((outputs / study).is_dir() for study in done):
        report(outputs, [*done])


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("POOLSWEEP_OUTPUTS", "outputs")))

"""Tables for papers."""

from __future__ import annotations

import re

import pytest
from studies import write_run

from poolsweep.report.leaderboard import compare_all, leaderboard
from poolsweep.report.results import load_runs
from poolsweep.report.tables import latex, markdown


@pytest.fixture
def comparison(make_study):
    return compare_all(load_runs([make_study()]))[0]


def test_latex_has_a_line_per_pooling_with_its_numbers(comparison):
    text = latex(comparison)
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    rows = leaderboard([comparison])
    assert len(body) == len(rows)
    for line, row in zip(body, rows, strict=True):
        cells = line.removesuffix(r" \\").split(" & ")
        assert len(cells) == 5
        name = row.name.replace("_", r"\_")
        assert cells[0] == (f"\\textbf{{{name}}}" if row.tied else name)
        assert f"{100 * row.score.mean:.2f}" in cells[1]
        assert cells[4] == str(row.pooled_size)
    assert "baseline" in next(line for line in body if "cls" in line)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_macro_f1_keeps_its_capital(make_study):
    [comparison] = compare_all(load_runs([make_study()]), metric="f1_macro")
    assert "Macro F1" in latex(comparison)


def test_markdown_is_a_table_of_equal_rows(comparison):
    lines = [line for line in markdown(comparison).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| **max**", r"| **masked\_mean**", "| **pooler**", "| cls"]


def test_names_cannot_break_out_of_their_cells(outputs):
    name = "a|b\n& \\end{tabular} $x_1^2$ <b> % ~"
    for pooling in ("cls", name):
        for seed in (0, 1):
            write_run(outputs / "s", pooling=pooling, seed=seed, num_texts=40, data="50% & {more}")
    [comparison] = compare_all(load_runs([outputs / "s"]))
    text = latex(comparison)
    assert text.count(r"\end{tabular}") == 1
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert [len(re.findall(r"(?<!\\)&", line)) for line in body] == [4, 4]
    assert r"50\% \& \{more\}" in text
    lines = [line for line in markdown(comparison).splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_one_seed_has_no_interval(make_study):
    [comparison] = compare_all(load_runs([make_study(seeds=[0], predictions=False)]))
    assert "±" not in markdown(comparison).split("|", 1)[1]
    assert "one run each" in markdown(comparison)

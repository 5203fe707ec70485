"""README's table is what the demo's recorded numbers give, in the report's own formats."""

from __future__ import annotations

import csv

from checkout import README, ROOT
from pages import blocks

from poolsweep.report.metric import shown, signed


def test_the_table_of_readme_is_the_recorded_one() -> None:
    [block] = [block for block in blocks(README) if "Δ to cls" in block.text]
    with (ROOT / "experiments" / "demo" / "results.csv").open(encoding="utf-8") as file:
        recorded = list(csv.DictReader(file))
    assert len(recorded) == 9, "premise: nine poolings"
    rule = next(i for i, line in enumerate(block.text.splitlines()) if line.startswith("───"))
    rows = block.text.splitlines()[rule + 1 : rule + 1 + len(recorded)]
    assert [" ".join(row.split()) for row in rows] == [_row(one) for one in recorded]


def test_the_answer_of_readme_follows_from_the_table() -> None:
    [block] = [block for block in blocks(README) if "Δ to cls" in block.text]
    with (ROOT / "experiments" / "demo" / "results.csv").open(encoding="utf-8") as file:
        best, *others = csv.DictReader(file)
    text = " ".join(block.text.split())
    low, high = (signed(float(best[f"difference_ci95_{end}"]), "accuracy") for end in ("low", "high"))
    assert (
        f"{best['pooling']} has the highest test accuracy: {shown(float(best['test_accuracy']), 'accuracy')}%" in text
    )
    assert f"(95% interval {low} to {high}, p = {float(best['adjusted_p']):.3f})" in text
    tied = [one["pooling"] for one in others if one["tied_with_best"] == "yes"]
    assert f"{', '.join(tied[:-1])} and {tied[-1]}. Of the {len(tied) + 1} that could be the best" in text
    above = [
        one["pooling"]
        for one in (best, *others)
        if one["difference_ci95_low"] and float(one["difference_ci95_low"]) > 0
    ]
    assert f"Significantly above cls: {', '.join(above)}." in text


def _row(one: dict[str, str]) -> str:
    score = f"{shown(float(one['test_accuracy']), 'accuracy')} ± {shown(float(one['ci95_half_width']), 'accuracy')}"
    difference = "baseline"
    if one["difference_to_cls"]:
        value, low, high = (
            signed(float(one[key]), "accuracy")
            for key in ("difference_to_cls", "difference_ci95_low", "difference_ci95_high")
        )
        difference = f"{value} [{low}, {high}]"
    mark = "= " if one["tied_with_best"] == "yes" else ""
    cost = f"{float(one['seconds']):.1f} {int(one['parameters']):,} {one['pooled_size']}"
    return f"{mark}{one['pooling']} {score} {difference} {cost}"

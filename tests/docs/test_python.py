"""Python that README and docs show: every block is code, and a test runs it."""

from __future__ import annotations

from collections import Counter

import pandas as pd
from checkout import README
from pages import PAGES, blocks

# Page → its blocks that run, and the test that runs them.
RUN_BY = {
    "README.md": (1, "here"),
    "docs/python.md": (5, "tests/api/test_docs.py, tests/report/test_readme.py"),
    "docs/extending.md": (5, "tests/test_contributing.py"),
    "docs/use_the_winner.md": (1, "tests/export/test_code_formats.py: that transformers' pipeline loads an export"),
}


def test_every_block_is_run_by_a_test() -> None:
    found = [block for page in PAGES for block in blocks(page) if block.language in {"python", "py"}]
    for block in found:
        compile(block.text, f"{block.page}:{block.line}", "exec")
    counted = {page: count for page, (count, _) in RUN_BY.items()}
    assert Counter(block.page for block in found) == counted, "write a test that runs it, and name it in RUN_BY"


def test_the_example_of_readme_runs(place, outputs, monkeypatch) -> None:
    [block] = [block for block in blocks(README) if block.language == "python"]
    code = block.text.replace("frozen=True", 'frozen=True, encoder="tiny", progress=False')
    assert code != block.text, "premise: the encoder is put in"
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(outputs))
    found = {"df": pd.read_csv(place / "reviews.csv").head(90), "texts": ["meow", "woof"]}
    exec(compile(code, "README.md", "exec"), found)
    assert set(found["study"].runs["pooling"]) == {"cls", "masked_mean"}
    assert len(found["model"].predict(found["texts"])) == 2

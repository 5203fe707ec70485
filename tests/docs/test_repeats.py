"""No page repeats a table or a long piece of code of another, or says anything in too long a sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

import pytest
from checkout import CONTRIBUTING
from pages import PAGES, blocks, name_of, sentences, tables

SHARED_ROWS = 3  # so many equal rows are a table that stands twice
LONG_CODE = 5  # lines
MOST_WORDS = 30


def test_no_page_repeats_a_table_of_another() -> None:
    rows = {name_of(page): {row for table in tables(page) for row in table} for page in PAGES}
    assert sum(map(len, rows.values())) > 200, "premise: tables are found"
    shared = _shared(rows)
    assert not shared, f"leave the table in one page and link to it: {shared}"


def test_no_page_repeats_code_of_another() -> None:
    code = {
        name_of(page): {
            tuple(lines[i : i + LONG_CODE + 1]) for lines in _long(page) for i in range(len(lines) - LONG_CODE)
        }
        for page in PAGES
    }
    assert not _shared(code, most=0), "leave the code in one page and link to it"


def _long(page) -> list[list[str]]:
    code = ([line.strip() for line in block.text.splitlines() if line.strip()] for block in blocks(page))
    return [lines for lines in code if len(lines) > LONG_CODE]


def _shared(found: Mapping[str, set], most: int = SHARED_ROWS - 1) -> dict[tuple[str, str], Iterable]:
    pairs = {pair: found[pair[0]] & found[pair[1]] for pair in itertools.combinations(found, 2)}
    return {pair: same for pair, same in pairs.items() if len(same) > most}


@pytest.mark.parametrize("page", [CONTRIBUTING, *PAGES], ids=name_of)
def test_no_sentence_is_too_long(page) -> None:
    long = [
        f"line {line}: {words} words: {sentence}"
        for line, sentence in sentences(page)
        if (words := len(re.findall(r"[\w’'-]+", sentence))) > MOST_WORDS
    ]
    assert not long, "\n".join(long)

"""Pairs of texts, and runs that read each of them alone."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory, write_csv, animal_rows) -> Path:
    """63 pairs, whose label says whether both texts are of one animal; their lengths differ."""
    rows = []
    for i, (text, label) in enumerate(animal_rows):
        other, animal = animal_rows[(5 * i + 2) % 63]
        rows.append((text, f"{other} and {other}", "same" if animal == label else "other"))
    return write_csv(tmp_path_factory.mktemp("pairs") / "pairs.csv", rows, header=("text", "text_pair", "label"))


@pytest.fixture(scope="session")
def siamese(short_run, pairs_file) -> list[str]:
    """A short run with two towers."""
    given = [one for one in short_run if not one.startswith("data.train=")]
    return [*given, f"data.train={pairs_file}", "data.text_pair=text_pair", "pairs=siamese"]


@pytest.fixture(scope="session")
def frozen_siamese(siamese) -> list[str]:
    """A probe of two towers."""
    left = [one for one in siamese if not one.startswith(("trainer.", "optimizer."))]
    return [*left, "encoder.frozen=true", "trainer=probe", "trainer.bootstrap=false", "trainer.accelerator=cpu"]

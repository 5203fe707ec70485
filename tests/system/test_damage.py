"""Every file of a finished run, damaged in each of six ways."""

from __future__ import annotations

import random

import pytest
from damages import FINISHED, SEED, WAYS, finished_run, frozen_run, try_one

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(animals, tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("finished") / "outputs", *frozen_run(animals))


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_run(cli, outputs, animals, finished, name):
    chance = random.Random(SEED)
    for way in WAYS:
        try_one(cli, frozen_run(animals), finished, outputs, name=name, way=way, chance=chance)

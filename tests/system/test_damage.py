"""Every file of a finished run, damaged in each of six ways."""

from __future__ import annotations

import random

import pytest
from damages import FINISHED, SEED, WAYS, first_run, frozen_run, try_one

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_run(cli, outputs, animals, tmp_path, name):
    frozen = frozen_run(animals)
    folder, before, whole = first_run(cli, outputs, frozen, tmp_path)
    chance = random.Random(SEED)
    for way in WAYS:
        try_one(cli, frozen, folder, whole, before, name=name, way=way, chance=chance)

"""How data sets are called."""

from __future__ import annotations

import pytest

from poolsweep.config.names import data_name


@pytest.mark.parametrize(
    ("target", "name"),
    [("poolsweep.data.sources.icd10.Icd10", "icd10"), ("my_data.MyData", "my_data"), ("mine.Reviews", "Reviews"),
     ("Reviews", "Reviews")],
)  # fmt: skip
def test_a_source_is_known_by_its_module_or_its_class(target: str, name: str):
    assert data_name({"_target_": target}) == name

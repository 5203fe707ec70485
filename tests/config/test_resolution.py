"""Configs are resolved as OmegaConf does it, and what is missing is named."""

from __future__ import annotations

from unittest import mock

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from poolsweep.conf_dir import conf_dir
from poolsweep.config import resolve
from poolsweep.errors import UserError


@pytest.fixture(scope="module")
def config() -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(
            "train",
            ["encoder=tiny", "data=icd10", "task=classification", "metrics=[mcc]", "monitor=val/mcc", "callbacks=none"],
        )


def test_a_whole_config_is_resolved_once_and_is_what_omegaconf_gives(config):
    with mock.patch.object(OmegaConf, "missing_keys", side_effect=AssertionError("resolves everything again")):
        wanted = OmegaConf.to_container(config, resolve=True)
        assert isinstance(wanted, dict)
        wanted.pop("sweep")  # no part of a run
        wanted["callbacks"].pop("average")  # none is chosen
        assert resolve(config).content == {"logger": {}, "callbacks": {}} | wanted


def test_a_change_of_one_value_reaches_what_is_interpolated_from_it(config):
    changed = OmegaConf.merge(config, {"seed": 41, "init_seed": "${seed}"})
    assert (resolve(changed).init_seed, resolve(changed).seed) == (41, 41)
    changed.seed = 42
    assert resolve(changed).init_seed == 42


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encoder": {"model": "???"}}, "encoder.model must be given: encoder.model=…"),
        ({"study": "${nowhere}"}, "Interpolation key 'nowhere' not found"),
    ],
)
def test_what_is_missing_is_named(changes, said, config):
    changed = config.copy()
    OmegaConf.set_struct(changed, False)
    with pytest.raises(UserError) as refused:
        resolve(OmegaConf.merge(changed, changes))
    assert refused.value.problems[0] == said

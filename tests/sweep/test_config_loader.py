"""Points of a sweep that share a composition are what Hydra itself composes."""

from __future__ import annotations

import subprocess
import sys
from unittest import mock

import pytest
from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from poolsweep.conf_dir import conf_dir
from poolsweep.sweep.config_loader import SharedConfigLoader

read = ConfigRepository.load_config
GIVEN = ["encoder=tiny", "data=icd10", "hydra.verbose=true"]


@pytest.fixture
def hydras() -> ConfigLoaderImpl:
    Plugins.instance()
    version.setbase("1.3")
    return ConfigLoaderImpl(config_search_path=create_config_search_path(str(conf_dir())))


@pytest.fixture
def shared(hydras) -> SharedConfigLoader:
    made = SharedConfigLoader(hydras)
    made.values = {"seed=1", "seed=2", "optimizer.lr=0.01", "+trial=7", "study=a b", "trainer.max_epochs=${seed}"}
    return made


@pytest.fixture
def master(hydras) -> DictConfig:
    return hydras.load_configuration("train", GIVEN, run_mode=RunMode.MULTIRUN)


@pytest.mark.parametrize(
    "overrides",
    [
        ["pooling=cls", "seed=1"],
        ["seed=2", "pooling=last4_concat", "optimizer.lr=0.01"],
        ["seed=1", "encoder=tiny", "trainer=probe", "encoder.frozen=true", "+trial=7"],
        ["pooling=cls", "study=a b", "trainer.max_epochs=${seed}", "seed=2"],
        ["pooling=cls", "encoder.frozen=true"],
        ["pooling=cls", "~features.max_gib"],
    ],
)
def test_a_point_is_what_hydra_composes(overrides, hydras, shared, master):
    shared.without_hydra(master, ["pooling=cls", "seed=2"])  # what the next ones start from
    expected = hydras.load_sweep_config(master, overrides)
    without = OmegaConf.masked_copy(expected, [key for key in expected if key != "hydra"])
    for found in [shared.without_hydra(master, overrides) for _ in range(2)]:
        assert OmegaConf.to_container(found) == OmegaConf.to_container(without)
        assert list(found) == list(without)
        assert OmegaConf.is_struct(found)


def test_points_do_not_touch_each_other(shared, master):
    first = shared.without_hydra(master, ["pooling=cls", "seed=1"])
    first.optimizer.lr = 5.0
    second = shared.without_hydra(master, ["pooling=cls", "seed=2"])
    assert (first.seed, second.seed) == (1, 2)
    assert second.optimizer.lr != 5.0


def test_each_pooling_is_composed_once(shared, master):
    own = mock.Mock(side_effect=lambda *given: compose(shared, *given))
    compose = ConfigLoaderImpl.load_sweep_config
    with mock.patch.object(ConfigLoaderImpl, "load_sweep_config", own):
        for pooling in ("cls", "max"):
            for seed in (1, 2):
                shared.without_hydra(master, [f"pooling={pooling}", f"seed={seed}"])
    assert own.call_count == 2
    shared.without_hydra(master, ["pooling=sgpt"])
    assert len(shared._composed) == 2, "what no other point shares is not kept"


def test_each_file_is_read_once(shared, master):
    with mock.patch.object(ConfigRepository, "load_config", autospec=True, side_effect=read) as reading:
        for pooling in ("cls", "max"):
            shared.without_hydra(master, [f"pooling={pooling}", "seed=1"])
    read_files = [call.kwargs["config_path"] for call in reading.call_args_list]
    again = {path for path in read_files if read_files.count(path) > 1}
    assert again <= {"train"}, "Hydra reads the primary config to learn in which folders the others lie"
    assert "optimizer/adamw" in read_files, "premise: files of groups are read at all"


def test_what_identifies_a_run_needs_nothing_that_makes_one():
    heavy = "{'poolsweep.training.build', 'poolsweep.encoder.encoder'}"
    code = f"import poolsweep.sweep.grid, sys; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "set()"

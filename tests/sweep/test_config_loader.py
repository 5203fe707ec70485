"""Points of a sweep that share a composition are what Hydra itself composes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
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
from poolsweep.config import resolve
from poolsweep.config.shared import Composed
from poolsweep.errors import UserError
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
    for found in [_whole(shared.without_hydra(master, overrides)) for _ in range(2)]:
        assert OmegaConf.to_container(found) == OmegaConf.to_container(without)
        assert list(found) == list(without)
        assert OmegaConf.is_struct(found)


def _whole(found: Composed) -> DictConfig:
    return found if isinstance(found, DictConfig) else found.composed()


def test_points_do_not_touch_each_other(shared, master):
    first = shared.without_hydra(master, ["pooling=cls", "seed=1"])
    contents = [first.resolved() for _ in range(2)]
    contents[0]["optimizer"]["betas"][0] = 5.0
    contents[0]["optimizer"]["lr"] = 5.0
    _whole(first).optimizer.lr = 5.0
    second = shared.without_hydra(master, ["pooling=cls", "seed=2"])
    assert (contents[1]["seed"], second.resolved()["seed"]) == (1, 2)
    for content in (contents[1], second.resolved(), OmegaConf.to_container(_whole(second), resolve=True)):
        assert 5.0 not in (content["optimizer"]["lr"], content["optimizer"]["betas"][0])


SWEPT = [
    ["pooling=cls,max", "seed=range(0,2)", "optimizer.head_lr=1e-4"],
    ["pooling=cls", "encoder.frozen=true,false", "optimizer.weight_decay=choice(0.1,1)"],
    ["pooling=cls", "init_seed=2", "seed=1,1.0,true,'1'", "+trainer.limit_val_batches=3", "~callbacks"],
    ["pooling=glob(cls_last4_m*)", "study='run-${seed}',a", "seed=3,4"],
    ["pooling=cls", "optimizer.lr='${optimizer.head_lr}',1", "optimizer.head_lr=1,2"],
    ["pooling=cls", "optimizer.betas=[0.9,0.99],[0.8,0.9]", "r_drop=null,0.5"],
    ["pooling=cls", "optimizer={lr:1e-3},{lr:1e-4}", "init=probe,random"],
    ["pooling/tokens=mean,max", "++extra=1", "study='\\${a}',b"],
    ["pooling=cls", "data.max_length='???',5"],
    ["pooling=cls", "study='${nothing}',5"],
    ["trainer=probe", "encoder.frozen=true", "calibrate=temperature,none", "seed=-0.0,0.0"],
]  # fmt: skip


@pytest.mark.parametrize("swept", SWEPT, ids=" ".join)
def test_what_is_resolved_is_what_hydras_own_composition_gives(swept, hydras, master):
    for found, expected in _both(swept, hydras, master):
        assert found == expected


@pytest.mark.slow
def test_every_pooling_is_resolved_as_hydra_composes_it(hydras, master):
    pairs = list(_both(["pooling=glob(*)", "seed=0,1", "encoder.frozen=true,false"], hydras, master))
    assert len(pairs) > 100, "premise: every preset is among them"
    assert all(found == expected for found, expected in pairs)


def _both(swept: list[str], hydras: ConfigLoaderImpl, master: DictConfig) -> Iterator[tuple[str, str]]:
    """The content of every combination as a sweep has it, and as Hydra composes it anew; or what refuses it."""
    from hydra_plugins.poolsweep_grid.grid_sweeper import GridSweeper

    sweeper = GridSweeper()
    sweeper.loader, sweeper.config = SharedConfigLoader(hydras), master
    for one in sweeper.combinations([*GIVEN[:2], *swept]):
        yield _said(sweeper.compose(one)), _said(hydras.load_sweep_config(master, list(one.overrides)))


def _said(config: Composed) -> str:
    """The content in the order of its keys, with the types of its values."""
    try:
        return json.dumps(resolve(config).content.plain())
    except UserError as error:
        return str(error.problems)


def test_an_interpolation_is_resolved_once_for_each_value_that_it_reads(shared, master):
    shared.values = {f"seed={seed}" for seed in range(3)} | {f"optimizer.lr={rate}" for rate in (1, 2, 3)}
    found = [
        shared.without_hydra(master, ["pooling=cls", f"seed={seed}", f"optimizer.lr={rate}"])
        for seed in range(3)
        for rate in (1, 2, 3)
    ]
    with mock.patch.object(OmegaConf, "is_config", side_effect=OmegaConf.is_config) as asked:
        assert all(one.resolved() is not None for one in found)
    [resolver] = found[0].shared._resolvers.values()
    known = [known for one in resolver._interpolations for known in one.known.items()]
    of_seeds = [values for places, values in known if places == (0,)]
    assert of_seeds, "premise: init_seed follows seed"
    assert all(len(values) == 3 for values in of_seeds)
    assert asked.call_count <= 2 * sum(len(values) for _, values in known), "a container is asked twice"


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

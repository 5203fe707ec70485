"""Every key is right or refused: shapes, types and bounds are looked at before anything is built."""

from __future__ import annotations

import copy
import math

import pytest

from poolsweep.config import RunConfig, resolve, validate
from poolsweep.config.shape import shape_problems
from poolsweep.errors import UserError


def problems_of(config: dict) -> tuple[str, ...]:
    try:
        validate(RunConfig.of(config))
    except UserError as error:
        return error.problems
    return ()


@pytest.fixture
def config(compose, animals) -> dict:
    return compose("data=files", f"data.train={animals}", "encoder=tiny", "trainer.accelerator=cpu").content.plain()


def changed(config: dict, key: str, value: object) -> dict:
    config = copy.deepcopy(config)
    node = config
    *path, last = key.split(".")
    for name in path:
        node = node[name]
    node[last] = value
    return config


def leaves(node: dict, path: str = "") -> list[tuple[str, object]]:
    found = []
    for key, value in node.items():
        inner = leaves(value, f"{path}{key}.") if isinstance(value, dict) else [(f"{path}{key}", value)]
        found += inner
    return found


def test_a_right_config_has_no_problems(config):
    assert problems_of(config) == ()


def test_a_mapping_a_list_infinity_or_a_number_past_all_bounds_is_refused_for_each_key(config):
    """What a key holds says which of these it cannot be."""
    keys = [(key, value) for key, value in leaves(config) if not key.endswith("_target_")]
    assert len(keys) > 50, "premise: every group has keys"
    for key, value in keys:
        wrong = [{"a": 1}, math.inf, -math.inf, math.nan, 10**30, [[]]]
        if isinstance(value, str):
            wrong += [True, 0, ""] if key in {"study", "monitor", "retry"} else [True]
        elif isinstance(value, bool):
            wrong += ["maybe", 1, None]
        elif isinstance(value, int | float) and key not in {"trainer.precision"}:
            wrong += ["many", -3, True]
        for one in wrong:
            if key in {"pooling.layers.index", "trainer.devices"} and one == -3:
                continue  # the encoder says which layers there are
            if key == "loss.weight" and one == {"a": 1}:
                continue  # the data say which labels there are
            found = problems_of(changed(config, key, one))
            assert any(key in problem for problem in found), (key, one, found)
            assert all(len(problem) < 400 and "\n" not in problem for problem in found)


@pytest.mark.parametrize("instead", [True, 0.5, "text", [1, 2], None, {}])
def test_what_stands_where_a_part_or_a_section_belongs_is_refused(config, instead):
    for key in ("checkpoint", "features", "loss", "trainer", "pooling", "pooling.layers", "data", "encoder", "head"):
        if key in {"checkpoint", "features"} and instead == {}:
            continue  # its keys are missing, which is said
        found = shape_problems(changed(config, key, instead))
        assert any(problem.startswith(key.replace(".", "/")) for problem in found), (key, instead, found)
    for key in ("logger", "callbacks"):
        assert bool(shape_problems(changed(config, key, instead))) == (instead not in (None, {}))
        assert shape_problems(changed(config, key, {"own": instead}))


def test_keys_that_there_are_not_are_refused_with_the_nearest_one(config):
    found = {
        key: shape_problems(changed(config, key, [1, 2]))
        for key in ("evil", "stduy", "checkpoint.every_step", "features.max_gb", "pooling.tokns")
    }
    assert all(len(problems) == 1 for problems in found.values())
    assert [problems[0].partition("; ")[0] for problems in found.values()] == [
        f"there is no key {key}" for key in found
    ]
    assert found["stduy"] == ["there is no key stduy; did you mean study?"]


# One of each kind: what is typed beside a run that is right, and the beginning of what is answered.
TYPED = {
    "null for a number": (["+trainer.check_val_every_n_epoch=null"], "trainer.check_val_every_n_epoch must be int"),
    "devices": (["trainer.devices=a b"], "trainer.devices must be a number of at least 1, a list"),
    "no device": (["trainer.devices=0"], "trainer.devices must be a number of at least 1, a list"),
    "more processes than a machine bears": (["trainer.devices=1000"], "trainer.devices=1000 would start as many proc"),
    "devices of the CPU": (["trainer.devices=[3]"], "trainer.devices=[3] names devices, and the CPU is one"),
    "strategy": (["trainer.strategy=0"], "trainer.strategy must be 'auto' or 'ddp' or 'fsdp', got 0"),
    "accelerator": (["trainer.accelerator=1e3"], "trainer.accelerator must be 'auto' or 'cpu' or "),
    "accelerator that is none": (["trainer.accelerator=tpu"], "trainer.accelerator must be 'auto' or 'cpu' or "),
    "option that is not ours": (["+trainer.overfit_batches=inf"], "trainer.overfit_batches is no option of a run; "),
    "object": (["+trainer.profiler={a: 1}"], "trainer.profiler is no option of a run; "),
    "what the run sets": (["+trainer.num_sanity_val_steps=3"], "trainer.num_sanity_val_steps is no option of a run; "),
    "what the encoder decides": (["+head.num_labels=7"], "head.num_labels follows from the rest of the config"),
    "section": (["checkpoint=true"], "checkpoint takes no value but its keys, checkpoint.every_minutes, "),
    "section's number": (["features=0.5"], "features takes no value but its keys, features.max_gib; got 0.5"),
    "share": (["scheduler.warmup_ratio=-1"], "scheduler.warmup_ratio must be at least 0, got -1"),
    "infinity": (["optimizer.eps=inf"], "optimizer.eps must be a finite number, got inf"),
    "not a number": (["run_timeout_minutes=nan"], "run_timeout_minutes must be a finite number, got nan"),
    "too short": (["data.max_length=1"], "data.max_length must be at least 3, got 1"),
    "another reduction": (["+loss.reduction=sum"], "loss.reduction is not an option of poolsweep.loss.cross_entropy"),
    "a metric that is not watched": (
        ["callbacks.early_stopping.monitor=val/nothing"],
        "callbacks.early_stopping.monitor=val/nothing is not measured",
    ),
    "a seed": (["data_seed=99999999999"], "data_seed must be below 4294967296, got 99999999999"),
    "a constructor": (
        ["+callbacks.a={_target_: pytorch_lightning.callbacks.LearningRateMonitor, logging_interval: often}"],
        "callbacks.a",
    ),
    "root key": (["+evil=[1,2]"], "there is no key evil; "),
    "dimensions": (["encoder.frozen=true", "postprocess=whiten", "postprocess.dimensions=99"], "postprocess.dim"),
    "several": (["trainer.max_epochs=null"], "trainer.max_epochs=null needs trainer.max_steps"),
}  # fmt: skip


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("kind", TYPED)
def test_a_wrong_value_is_refused_before_a_sweep_begins(cli, tiny_run, kind):
    typed, answer = TYPED[kind]
    done = cli("train", "-m", *tiny_run, *typed, "seed=0,1")
    assert (done.status, done.out) == (2, "")
    assert any(problem.startswith(answer) for problem in done.problems), done.err


# What Hydra composes to no config at all.
COMPOSED = [
    ["loss=[1,2]"],
    ["pooling/layers=[{_target_: os.system}]"],
    ["pooling={a: 1}"],
    ["encoder=null"],
]


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("typed", COMPOSED, ids=str)
def test_what_cannot_be_composed_is_one_line(cli, tiny_run, typed):
    for sweeping in ([], ["-m"]):
        done = cli("train", *sweeping, *tiny_run, *typed)
        assert (done.status, done.out) == (2, ""), done.err
        assert len(done.problems) == 1, done.err


SWEEPS = {
    "+race.min_seeds=3": "race is read by sweep=race alone, which must be given too",
    "+optuna.trials=3": "optuna is read by sweep=optuna alone, which must be given too",
    "hydra/sweeper=race": "hydra/sweeper=race lacks its keys; choose it by sweep=race",
    "sweep=race +race.min_seds=3": "there is no key race.min_seds; did you mean min_seeds?",
    "sweep=optuna +optuna.trial=3 optimizer.lr=1e-3,1e-4": "there is no key optuna.trial; did you mean trials",
    "hydra/launcher=local hydra.launcher.gpus=x": "hydra.launcher.gpus must be a list of the numbers of GPUs",
}


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("typed", SWEEPS)
def test_keys_of_a_sweep_and_of_a_launcher_are_right_or_refused_too(cli, tiny_run, typed):
    done = cli("train", "-m", *tiny_run, *typed.split(" "), "seed=0,1")
    assert (done.status, len(done.problems)) == (2, 1), done.err
    assert done.problems[0].startswith(SWEEPS[typed])


def test_no_logger_and_no_callbacks_may_be_written_in_each_way(compose, animals):
    given = ["data=files", f"data.train={animals}", "encoder=tiny", "trainer.accelerator=cpu"]
    for none in (["logger=[]", "callbacks=[]"], ["~logger", "~callbacks"], ["logger=none", "callbacks=none"]):
        config = compose(*given, *none)
        assert (config.loggers, config.callbacks) == ({}, {})
        assert problems_of(config.content.plain()) == ()


def test_resolving_looks_at_the_shape(compose):
    with pytest.raises(UserError, match="there is no key evil; "):
        compose("+evil=1")
    assert resolve

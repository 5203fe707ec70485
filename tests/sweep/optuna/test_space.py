"""Hydra's sweep syntax as a space."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from poolsweep.errors import UserError
from poolsweep.sweep.optuna.options import optuna_options
from poolsweep.sweep.optuna.space import Space, read_space

DEFAULTS = {
    "trials": 20, "sampler": "tpe", "seed": 0, "startup_trials": 10, "pruner": "median", "pruner_startup": 5,
    "pruner_warmup": 1, "trials_at_once": 1,
}  # fmt: skip


def space(*typed: str) -> Space:
    return read_space(OverridesParser.create().parse_overrides(list(typed)))


@pytest.mark.parametrize(
    ("typed", "distribution", "examples"),
    [
        ("pooling=cls,max", CategoricalDistribution(("cls", "max")), ["pooling=cls", "pooling=max"]),
        ("k=choice(1,[2,3],'a b')", CategoricalDistribution(("1", "[2,3]", "a\\ b")), ["k=1", "k=[2,3]", "k=a\\ b"]),
        ("k=null,0.5", CategoricalDistribution(("null", "0.5")), ["k=null", "k=0.5"]),
        ("k=tag(log,interval(1e-5,1e-3))", FloatDistribution(1e-5, 1e-3, log=True), ["k=1e-05", "k=0.001"]),
        ("k=interval(0,1)", FloatDistribution(0.0, 1.0), ["k=0.0", "k=1.0"]),
        ("k=int(interval(1,8))", IntDistribution(1, 8), ["k=1", "k=8"]),
        ("k=tag(log,int(interval(1,64)))", IntDistribution(1, 64, log=True), ["k=1", "k=64"]),
        ("k=range(1,6)", IntDistribution(1, 5), ["k=1", "k=5"]),  # Hydra's range ends before its end
        ("k=range(1,9,3)", IntDistribution(1, 7, step=3), ["k=1", "k=7"]),
        ("+k=range(0,1,0.25)", FloatDistribution(0.0, 0.75, step=0.25), ["+k=0.0", "+k=0.75"]),
    ],
)
def test_axes(typed: str, distribution, examples: list[str]):
    [axis] = space(typed).axes
    assert axis.distribution == distribution
    assert axis.examples == examples


def test_every_kind_of_seed_is_a_replicate_and_not_searched():
    found = space("pooling=cls,max", "seed=0,1", "data.split_seed=3,4", "init_seed=5")
    assert [axis.key for axis in found.axes] == ["pooling"]
    assert ("seed=1", "data.split_seed=3") in found.runs_per_trial
    assert len(found.runs_per_trial) == 4


def test_seeds_are_a_group_and_the_rest_is_fixed():
    found = space("pooling=cls,max", "seed=range(0,3)", "study=s", "+a.b=[1,2]")
    assert found.seeds == (("seed=0",), ("seed=1",), ("seed=2",))
    assert found.fixed == ("study=s", "+a.b=[1,2]")
    assert found.runs_per_trial == [("seed=0",), ("seed=1",), ("seed=2",)]
    assert space("pooling=cls,max", "seed=4").runs_per_trial == [()]


def test_what_cannot_be_searched_is_named_all_at_once():
    with pytest.raises(UserError) as refused:
        space("seed=interval(0,9)", "k=tag(log,range(1,9))")
    assert refused.value.problems == (
        "seed=interval(0,9): seeds are not searched; each trial runs all of seed=0,1,2",
        "k=tag(log,range(1,9)): a range has steps, so it cannot be log; use tag(log,interval(low,high))",
    )
    with pytest.raises(UserError, match="nothing is searched"):
        space("seed=0,1")


def test_options_are_checked_all_at_once():
    assert optuna_options(DEFAULTS).trials == 20
    with pytest.raises(UserError) as refused:
        optuna_options(DEFAULTS | {"trials": 0, "sampler": "tpee", "pruner_warmup": 0.5})
    assert refused.value.problems == (
        "optuna.trials must be a whole number of at least 1, got 0",
        "optuna.pruner_warmup must be a whole number of at least 0, got 0.5",
        "optuna.sampler=tpee is unknown; did you mean tpe?",
    )

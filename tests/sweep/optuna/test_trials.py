"""Which process makes which trial; nothing is trained here."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.trial import TrialState

from poolsweep.runs.optuna_journal import journal_of, open_journal
from poolsweep.sweep.optuna.options import optuna_options
from poolsweep.sweep.optuna.space import read_space
from poolsweep.sweep.optuna.trials import Trials

OPTIONS = {
    "trials": 6, "sampler": "tpe", "seed": 0, "startup_trials": 2, "pruner": "none", "pruner_startup": 1,
    "pruner_warmup": 0, "trials_at_once": 1,
}  # fmt: skip
SPACE = read_space(
    OverridesParser.create().parse_overrides(["a=x,y,z", "b=tag(log,interval(1e-5,1e-3))", "c=range(0,9)"])
)


def trials(folder: Path, **options) -> Trials:
    made = optuna_options(OPTIONS | options)
    return Trials(folder, name="s", axes=SPACE.axes, options=made, direction="maximize")


def value(params: dict) -> float:
    return {"x": 0.1, "y": 0.5, "z": 0.2}[params["a"]] + params["c"] / 10 + 100 * params["b"]


def finish(mine: Trials, folder: Path, *, count: int) -> None:
    for _ in range(count):
        [claim] = mine.claim()
        with mine.held([claim]):
            mine.complete(claim, value(claim.params))


def history(mine: Trials) -> list[tuple]:
    return [(t.number, t.state, t.params, t.value) for t in mine.all()]


@pytest.fixture
def alone(tmp_path) -> list[tuple]:
    mine = trials(tmp_path / "alone")
    finish(mine, tmp_path, count=6)
    assert mine.claim() == [], "the number of trials is a total"
    found = history(mine)
    assert len({str(params) for _, _, params, _ in found}) == 6, "premise: the sampler tries different values"
    return found


def test_trials_left_running_are_taken_up_with_the_same_values(tmp_path, alone):
    """A process per trial; each second one dies with its trial in hand."""
    for turn in range(12):
        mine = trials(tmp_path / "killed")
        [claim] = mine.claim()
        with mine.held([claim]):
            if turn % 2:
                mine.complete(claim, value(claim.params))
    assert trials(tmp_path / "killed").claim() == []
    assert history(trials(tmp_path / "killed")) == alone


def test_a_trial_that_was_left_with_half_of_its_values_gets_the_others(tmp_path, alone):
    folder = tmp_path / "half"
    finish(trials(folder), folder, count=3)
    study = optuna.load_study(
        study_name="s", storage=open_journal(journal_of(folder)), sampler=optuna.samplers.RandomSampler()
    )
    asked = study.ask()
    study = optuna.load_study(
        study_name="s", storage=study._storage, sampler=optuna_options(OPTIONS).make_sampler(trial=3, axis=3)
    )
    SPACE.axes[0].suggest(optuna.trial.Trial(study, asked._trial_id))  # and then its process dies
    mine = trials(folder)
    finish(mine, folder, count=3)
    assert history(mine) == alone


def test_two_processes_share_the_trials(tmp_path):
    first, second = trials(tmp_path, trials=3), trials(tmp_path, trials=3, trials_at_once=5)
    [a] = first.claim()
    more = second.claim()
    assert [a.number, *(claim.number for claim in more)] == [0, 1, 2]
    assert first.claim() == []
    assert first.others_are_at_work()
    more[0].lock.release()  # it dies
    [b] = first.claim()
    assert (b.number, b.params) == (1, more[0].params)
    for mine, claim in ((first, a), (first, b), (second, more[1])):
        with mine.held([claim]):
            mine.prune(claim, reason="hopeless")
    assert [t.state for t in first.all()] == [TrialState.PRUNED] * 3
    assert not second.others_are_at_work()
    assert list((tmp_path / ".optuna").glob("*/")) == []


def test_failed_trials_are_made_again_with_the_same_values_and_count_once(tmp_path):
    mine = trials(tmp_path, trials=2)
    for _ in range(2):
        [claim] = mine.claim()
        with mine.held([claim]):
            mine.fail(claim, reason="the disk is full")
    assert mine.claim() == []
    before = [t.params for t in mine.all()]
    mine.retry_failed()
    finish(mine, tmp_path, count=2)
    assert mine.claim() == []
    assert [(t.state, t.params) for t in mine.all()] == [(TrialState.COMPLETE, params) for params in before]


def test_a_larger_number_adds_the_rest(tmp_path):
    finish(trials(tmp_path, trials=2), tmp_path, count=2)
    more = trials(tmp_path, trials=3)
    finish(more, tmp_path, count=1)
    assert more.claim() == []


def test_a_line_that_was_left_half_written_does_not_end_the_journal(tmp_path):
    finish(trials(tmp_path, trials=2), tmp_path, count=1)
    journal = journal_of(tmp_path)
    whole = journal.read_bytes()
    assert whole.endswith(b"\n")
    journal.write_bytes(whole + b'{"op_code": 5, "study_id": 0' + b" " * 9000)
    finish(trials(tmp_path, trials=2), tmp_path, count=1)
    assert journal.read_bytes().startswith(whole)
    assert len(trials(tmp_path, trials=2).all()) == 2

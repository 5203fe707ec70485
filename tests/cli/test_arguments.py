"""What is typed wrongly after a verb is answered in one line, with status 2."""

from __future__ import annotations

import pytest

MISTAKES = {
    "nothing given": (["report"], "the following arguments are required: STUDY"),
    "what may be left out is not asked for": (["check"], "the following arguments are required: CLASS"),
    "option": (["status", "--wacth"], "there is no option --wacth; did you mean --watch?"),
    "option of a sweep for W&B": (
        ["wandb-sweep", "--projct=mine", "seed=0,1"],
        "there is no option --projct=mine; did you mean --project?",
    ),
    "one too many": (["dashboard", "demo", "other"], "other is more than poolsweep dashboard takes"),
    "number": (["poolings", "--hidden-size", "wide"], "argument --hidden-size: invalid int value: 'wide'"),
    "choice": (["wandb-sweep", "--method=best", "seed=0,1"], "argument --method: invalid choice: 'best'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_says_where_to_read_more(cli, mistake):
    typed, answer = MISTAKES[mistake]
    done = cli(*typed)
    assert (done.status, done.out) == (2, "")
    [problem] = done.problems
    assert problem.startswith(answer)
    assert problem.endswith(f"; poolsweep {typed[0]} --help says more")


def test_overrides_may_stand_on_both_sides_of_an_option(cli):
    apart = cli("wandb-sweep", "pooling=cls,max", "--project", "mine", "seed=0,1")
    assert apart.status == 0, apart.err
    assert apart.out == cli("wandb-sweep", "--project=mine", "pooling=cls,max", "seed=0,1").out
    assert "project: mine" in apart.out

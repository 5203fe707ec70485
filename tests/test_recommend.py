"""``poolsweep recommend`` says what was measured, and no more; docs/recommend.md shows the same rules."""

import itertools

import pytest
from checkout import ROOT

from poolsweep.recommend import SIMILARITY, Rule, read_rules, recommend, rules, table

LINE = {
    "regime": "frozen", "task": "", "rows_to": "", "length_from": "", "contender": "last4_concat",
    "other": "masked_mean", "cheaper": "masked_mean", "value": "2.04", "low": "1.0", "high": "3.1", "of": "a b",
}  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "taken", "answer"),
    [
        (
            ("2.04", "1.0", "3.1"), "last4_concat",
            "take last4_concat. last4_concat − masked_mean: +2.0 points (95% interval +1.0 to +3.1; 2 data sets)",
        ),
        (
            ("-2.0", "-3.1", "-1.0"), "masked_mean",
            "take masked_mean. last4_concat − masked_mean: −2.0 points (95% interval −3.1 to −1.0; 2 data sets)",
        ),
        (
            ("0.5", "-0.2", "1.2"), "masked_mean",
            "not told apart: take masked_mean, the cheaper. last4_concat − masked_mean: +0.5 points "
            "(95% interval −0.2 to +1.2; 2 data sets)",
        ),
        (("", "", ""), None, "not measured: compare last4_concat with masked_mean on your texts"),
        (("0.5", "", ""), None, "not measured: compare last4_concat with masked_mean on your texts"),
    ],
)  # fmt: skip
def test_the_interval_decides(ends, taken, answer):
    rule = Rule.of(LINE | dict(zip(("value", "low", "high"), ends, strict=True)))
    assert (rule.take, rule.answer) == (taken, answer)


def test_one_set_is_named():
    assert Rule.of(LINE | {"of": "trec6"}).answer.endswith("; one data set, trec6)")


def test_every_case_has_a_rule_for_it():
    cases = itertools.product(
        ("frozen", "fine-tuned"), (None, "classification", SIMILARITY), (None, 1, 10**6), (None, 9999)
    )
    for regime, task, rows, length in cases:
        rule = recommend(regime=regime, task=task, rows=rows, length=length)
        assert rule.regime == regime
        assert (rule.task == SIMILARITY) == (task == SIMILARITY)
        assert rule.rows_to is None or (rows or 0) <= rule.rows_to
        assert rule.length_from is None or (length or 0) >= rule.length_from


def test_the_smallest_number_of_rows_that_holds_it_counts():
    limits = [rule.rows_to for rule in rules() if rule.regime == "frozen" and rule.rows_to is not None]
    assert limits == sorted(limits)
    assert recommend(regime="frozen", rows=limits[0]).rows_to == limits[0]
    assert recommend(regime="frozen", rows=limits[0] + 1).rows_to == limits[1]
    assert recommend(regime="frozen", rows=limits[-1] + 1).rows_to is None


def test_no_rule_claims_what_it_has_no_sets_for():
    for line in read_rules():
        assert bool(line["value"]) == bool(line["of"].split()) == (line["sets"] not in {"", "0"}), line


def test_the_page_shows_the_rules_of_the_file():
    page = (ROOT / "docs" / "recommend.md").read_text(encoding="utf-8")
    assert f"<!-- rules -->\n{table(rules())}<!-- end -->" in page, "python experiments/atlas/findings.py"


def test_the_command_answers_in_a_line_and_says_how_to_measure(cli):
    done = cli("recommend", "--frozen", "--rows", "100", "--task", "classification")
    first, *rest = done.out.splitlines()
    assert done.status == 0
    assert first.startswith("frozen, up to 200 training rows: ")
    assert (
        rest[-1].strip().startswith("poolsweep train -m data=files data.train=FILE encoder.frozen=true trainer=probe ")
    )
    assert "pooling=last4_concat,masked_mean" in rest[-1]


def test_a_rule_about_windows_compares_them(cli):
    done = cli("recommend", "--fine-tuned", "--length", "2000")
    assert done.out.splitlines()[-1].strip() == (
        "poolsweep train -m data=files data.train=FILE pooling=masked_mean pooling/chunks=truncate,mean seed=0,1,2,3,4"
    )


def test_without_a_case_all_rules_are_listed(cli):
    assert len(cli("recommend").out.splitlines()) == len(rules())


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (["--rows", "0", "--length", "-1"], "--rows must be 1 or more, got 0"),
        (["--frozen", "--fine-tuned"], "not allowed with"),
        (["--task", "similarty"], "--task similarty: there is none of that name; did you mean similarity"),
    ],
)
def test_odd_cases_are_refused(cli, typed, problem):
    done = cli("recommend", *typed)
    assert done.status == 2
    assert problem in done.err

"""The estimator does what scikit-learn asks of one, on texts."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    check_do_not_raise_errors_in_init_or_set_params,
    check_estimator,
    check_estimator_repr,
    check_estimator_tags_renamed,
    check_mixin_order,
    check_no_attributes_set_in_init,
    check_valid_tag_types,
)

import poolsweep
from poolsweep.sklearn import PooledTextClassifier


@pytest.fixture(scope="module")
def texts(animal_rows):
    return [text for text, _ in animal_rows], np.array([{"cat": 30, "dog": 5, "owl": -1}[a] for _, a in animal_rows])


@pytest.fixture(scope="module")
def fitted(texts):
    return PooledTextClassifier("cls", "tiny").fit(*texts)


def test_what_scikit_learn_checks_of_every_estimator():
    with pytest.warns(UserWarning, match="Can't test estimator"):  # its checks on numeric tables are left out
        check_estimator(PooledTextClassifier())
    for check in (
        check_estimator_tags_renamed, check_valid_tag_types, check_estimator_repr, check_mixin_order,
        check_no_attributes_set_in_init, check_do_not_raise_errors_in_init_or_set_params,
    ):  # fmt: skip
        check("PooledTextClassifier", PooledTextClassifier())


def test_classes_keep_their_type_and_order(fitted, texts):
    assert fitted.classes_.tolist() == [-1, 5, 30]
    assert fitted.model_.labels == ("-1", "5", "30")
    found = fitted.predict(texts[0])
    assert found.dtype == texts[1].dtype
    assert fitted.score(*texts) == (found == texts[1]).mean() > 0.9
    probabilities = fitted.predict_proba(texts[0])
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == found).all()


def test_a_refit_reads_all_rows_and_without_one_the_validation_rows_are_held_back(fitted, texts):
    facts = json.loads((Path(fitted.run_) / "result.json").read_text())
    assert facts["sizes"]["train"] == len(texts[0])
    assert not (Path(fitted.run_) / "predictions-validation.parquet").exists()
    held = clone(fitted).set_params(refit=False).fit(*texts)
    assert Path(held.run_).parent != Path(fitted.run_).parent
    assert not np.allclose(held.predict_proba(texts[0]), fitted.predict_proba(texts[0]))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (pd.Series(["b", "a", "c"] * 21, index=range(7, 70)), np.str_),
        ([True, False, True] * 21, np.bool_),
        (np.array([1.0, 2.0, 1.0] * 21), np.float64),
    ],
)
def test_other_types_of_labels(labels, kind, texts):
    one = PooledTextClassifier("cls", "tiny", refit=False).fit(pd.DataFrame({"x": texts[0]}), labels)
    assert set(one.predict(np.array(texts[0]))) <= set(labels)
    assert all(isinstance(label, (kind, str)) for label in one.classes_)


def test_the_same_rows_are_fitted_once(texts, tmp_path):
    one = PooledTextClassifier("cls", "tiny", refit=False, output_root=tmp_path).fit(*texts)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json")}
    again = clone(one).fit(*texts)
    assert again.run_ == one.run_
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json")} == times
    other = clone(one).set_params(random_state=1).fit(*texts)
    assert other.run_ != one.run_


def test_it_goes_into_searches_and_pipelines(texts):
    one = PooledTextClassifier(encoder="tiny", refit=False)
    scores = cross_val_score(one, *texts, cv=2, error_score="raise")
    assert scores.min() > 0.8
    search = GridSearchCV(one, {"pooling": ["cls", "masked_mean"]}, cv=2, error_score="raise").fit(*texts)
    assert search.best_params_["pooling"] in {"cls", "masked_mean"}
    assert search.predict(texts[0]).dtype == texts[1].dtype
    pipeline = make_pipeline(clone(one).set_params(pooling="last4_concat"), LogisticRegression()).fit(*texts)
    assert pipeline[0].transform(texts[0]).shape == (63, 4 * 32)
    assert len(pipeline[0].get_feature_names_out()) == 4 * 32
    assert pipeline.score(*texts) > 0.8


def test_a_fine_tuned_one_is_pickled_with_its_weights(texts):
    one = PooledTextClassifier("cls", "tiny", frozen=False, refit=False, overrides=["trainer.max_epochs=1"]).fit(*texts)
    again = pickle.loads(pickle.dumps(one))
    assert np.array_equal(again.predict_proba(texts[0]), one.predict_proba(texts[0]))
    assert again.run_ != one.run_
    unfitted = pickle.loads(pickle.dumps(PooledTextClassifier("max")))
    assert unfitted.get_params()["pooling"] == "max"
    with pytest.raises(NotFittedError):
        unfitted.predict(["a"])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ((["a", ""] * 10, [1, 2] * 10), "empty text in rows 2"),
        ((["a", "b"] * 10, [1, None] * 10), "y must hold a label for each text"),
        ((["a", "b"] * 10, [[1, 2]] * 20), "y must have one label a text"),
        ((["a", "b"] * 10, [1] * 20), "at least two labels"),
        ((["a", "b"], [1, 2]), "the validation split has no rows"),
        (("text", [1, 2]), "X must be a list of texts"),
        ((np.array([["a", "b"]] * 4), [1, 2] * 2), "X must be one column of texts, got 2"),
        ((["a", "b", "c"], [1, 2]), "columns differ in length"),
    ],
)
def test_what_cannot_be_fitted_is_a_users_mistake(given, problem):
    with pytest.raises(poolsweep.UserError, match=problem):
        PooledTextClassifier("cls", "tiny").fit(*given)


def test_nothing_is_left_when_the_process_ends(tmp_path):
    code = (
        "import os, poolsweep.sklearn as s\n"
        "texts = [f'{word} {i}' for i in range(20) for word in ('hi', 'bye')]\n"
        "c = s.PooledTextClassifier('cls', 'tiny', refit=False).fit(texts, [1, 0] * 20)\n"
        "assert c.predict(['hi 1']) == [1] and os.path.isdir(c.run_) and 'POOLSWEEP_CACHE' not in os.environ\n"
    )
    environment = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home"), "PATH": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("poolsweep-")] == []
    assert not (tmp_path / "home" / ".cache" / "poolsweep").exists()
    assert not (tmp_path / "outputs").exists()
    assert tempfile.gettempdir() != str(tmp_path)

"""Per-example scores: their mean is the metric, their variance is the metric's."""

import numpy as np
import pytest
from sklearn import metrics

from poolsweep.statistics import f1_scores, mcc_scores, metric_scores

SCIKIT_LEARN = {
    "accuracy": metrics.accuracy_score,
    "f1_macro": lambda labels, predicted: metrics.f1_score(labels, predicted, average="macro"),
    "mcc": metrics.matthews_corrcoef,
}


def predictions(num, seed=0):
    """Three unbalanced classes, 70% right."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, size=num, p=[0.6, 0.3, 0.1])
    return labels, np.where(generator.random(num) < 0.7, labels, generator.choice(3, size=num))


@pytest.mark.parametrize("name", SCIKIT_LEARN)
def test_the_mean_is_scikit_learns_metric(name):
    labels, predicted = predictions(150)
    assert metric_scores(f"test/{name}", labels, predicted).mean() == pytest.approx(
        SCIKIT_LEARN[name](labels, predicted)
    )


@pytest.mark.parametrize("name", SCIKIT_LEARN)
def test_they_are_the_jackknifes_scores(name):
    labels, predicted = predictions(400)
    scores = metric_scores(name, labels, predicted)
    without = np.array([SCIKIT_LEARN[name](np.delete(labels, i), np.delete(predicted, i)) for i in range(400)])
    jackknife = scores.mean() + 399 * (without.mean() - without)
    assert np.corrcoef(scores, jackknife)[0, 1] > 0.999
    assert scores.std() == pytest.approx(jackknife.std(), rel=0.03)


@pytest.mark.parametrize("name", ["f1_macro", "mcc"])
def test_their_variance_is_that_of_new_test_sets(name):
    drawn = np.array([metric_scores(name, *predictions(500, seed)).mean() for seed in range(600)])
    estimated = np.mean([metric_scores(name, *predictions(500, seed)).std(ddof=1) for seed in range(20)]) / np.sqrt(500)
    assert estimated == pytest.approx(drawn.std(), rel=0.12)


def test_macro_f1_by_hand():
    # class 0: F 2/3 of share 3/4; class 1: F 4/5 of share 5/4
    scores = f1_scores([0, 0, 1, 1], [0, 1, 1, 1])
    mean = (2 / 3 + 4 / 5) / 2
    first = ((2 - 2 / 3 * 2) / 0.75) / 2
    second = ((0 - 2 / 3) / 0.75 + (0 - 4 / 5) / 1.25) / 2
    third = ((2 - 4 / 5 * 2) / 1.25) / 2
    assert scores == pytest.approx([mean + first, mean + second, mean + third, mean + third])


def test_a_class_that_never_occurs_does_not_count():
    assert f1_scores([0, 0, 2, 2], [0, 2, 2, 2]) == pytest.approx(f1_scores([0, 0, 1, 1], [0, 1, 1, 1]))


@pytest.mark.parametrize(("labels", "predicted"), [([0, 0, 0], [0, 1, 0]), ([0, 1, 0], [1, 1, 1])])
def test_mcc_of_a_single_class_is_zero(labels, predicted):
    assert mcc_scores(labels, predicted).tolist() == [0, 0, 0]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"perplexity has no per-example scores, valid: accuracy"):
        metric_scores("test/perplexity", [0], [0])
    with pytest.raises(ValueError, match="one shape"):
        f1_scores([0, 1], [0, 1, 1])

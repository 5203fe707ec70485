"""Per-example scores: their mean is the metric, their variance is the metric's."""

import numpy as np
import pytest
import scipy.stats
from sklearn import metrics

from poolsweep.statistics import (
    CLASS_RANKING_SCORES,
    CLASS_SCORES,
    MULTILABEL_RANKING_SCORES,
    MULTILABEL_SCORES,
    NUMBER_SCORES,
    f1_scores,
    metric_scores,
)
from poolsweep.statistics.influence_ranking import average_precision_scores, roc_auc_scores, top_k_scores


def classes(num, seed=0):
    """Three unbalanced classes, 70% right."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, size=num, p=[0.6, 0.3, 0.1])
    return labels, np.where(generator.random(num) < 0.7, labels, generator.choice(3, size=num))


def probabilities(num, seed=0, num_classes=7):
    """Seven classes; values to two digits, so that some tie."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(num_classes, size=num, p=np.arange(1, num_classes + 1) / sum(range(num_classes + 1)))
    logits = generator.normal(size=(num, num_classes)) + 1.2 * np.eye(num_classes)[labels]
    table = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 2)
    return labels, table / table.sum(axis=1, keepdims=True)


def two_classes(num, seed=0):
    """The same of two."""
    return probabilities(num, seed, num_classes=2)


def multilabel(num, seed=0):
    """Targets and decisions of four labels, dependent within a text."""
    targets, table = multilabel_probabilities(num, seed)
    return targets, (table > 0.5).astype(int)


def multilabel_probabilities(num, seed=0):
    """The same with probabilities to two digits."""
    generator = np.random.default_rng(seed)
    leaning = generator.normal(size=(num, 1)) + generator.normal(size=(num, 4)) - [0, 0.5, 1, 1.5]
    noisy = leaning + generator.normal(size=(num, 4))
    return (leaning > 0).astype(int), np.round(1 / (1 + np.exp(-noisy)), 2)


def numbers(num, seed=0):
    """Scores from 0 to 5 in steps, with ties, and predictions that are skewed."""
    generator = np.random.default_rng(seed)
    truth = generator.gamma(2, size=num)
    return np.round(truth * 2) / 2, np.round(truth + generator.normal(size=num) * (0.3 + 0.3 * truth), 1)


def of_labels(average, **options):
    """A metric of scikit-learn with its average."""
    return lambda targets, predicted: metrics.f1_score(targets, predicted, average=average, **options)


CASES = {
    "accuracy": (CLASS_SCORES, classes, metrics.accuracy_score),
    "balanced_accuracy": (CLASS_SCORES, classes, metrics.balanced_accuracy_score),
    "f1_macro": (CLASS_SCORES, classes, of_labels("macro")),
    "f1_micro": (CLASS_SCORES, classes, of_labels("micro")),
    "f1_weighted": (CLASS_SCORES, classes, of_labels("weighted")),
    "mcc": (CLASS_SCORES, classes, metrics.matthews_corrcoef),
    "top3_accuracy": (
        CLASS_RANKING_SCORES, probabilities, lambda labels, table: metrics.top_k_accuracy_score(labels, table, k=3)
    ),
    "top5_accuracy": (
        CLASS_RANKING_SCORES, probabilities, lambda labels, table: metrics.top_k_accuracy_score(labels, table, k=5)
    ),
    "roc_auc": (
        CLASS_RANKING_SCORES, probabilities,
        lambda labels, table: metrics.roc_auc_score(labels, table, multi_class="ovr", average="macro"),
    ),
    "average_precision": (CLASS_RANKING_SCORES, probabilities, metrics.average_precision_score),
    "roc_auc of two": (
        CLASS_RANKING_SCORES, two_classes, lambda labels, table: metrics.roc_auc_score(labels, table[:, 1])
    ),
    "average_precision of two": (
        CLASS_RANKING_SCORES, two_classes, lambda labels, table: metrics.average_precision_score(labels, table[:, 1])
    ),
    "f1_micro of labels": (MULTILABEL_SCORES, multilabel, of_labels("micro")),
    "f1_macro of labels": (MULTILABEL_SCORES, multilabel, of_labels("macro", zero_division=0)),
    "subset_accuracy": (MULTILABEL_SCORES, multilabel, metrics.accuracy_score),
    "mean_average_precision": (MULTILABEL_RANKING_SCORES, multilabel_probabilities, metrics.average_precision_score),
    "roc_auc of labels": (MULTILABEL_RANKING_SCORES, multilabel_probabilities, metrics.roc_auc_score),
    "pearson": (NUMBER_SCORES, numbers, lambda x, y: scipy.stats.pearsonr(x, y).statistic),
    "spearman": (NUMBER_SCORES, numbers, lambda x, y: scipy.stats.spearmanr(x, y).statistic),
    "mae": (NUMBER_SCORES, numbers, metrics.mean_absolute_error),
    "rmse": (NUMBER_SCORES, numbers, metrics.root_mean_squared_error),
}  # fmt: skip


def scores_of(case):
    """The function under test, the data it takes, and the peer."""
    table, make, peer = CASES[case]
    return table[case.partition(" ")[0]], make, peer


def test_every_metric_is_tested():
    tables = (CLASS_SCORES, CLASS_RANKING_SCORES, MULTILABEL_SCORES, MULTILABEL_RANKING_SCORES, NUMBER_SCORES)
    tested = {(id(CASES[case][0]), case.partition(" ")[0]) for case in CASES}
    assert tested == {(id(table), name) for table in tables for name in table}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("num", [150, 2000])
def test_the_mean_is_scikit_learns_or_scipys_metric(case, num):
    scores, make, peer = scores_of(case)
    assert scores(*make(num)).mean() == pytest.approx(peer(*make(num)), abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_they_are_the_jackknifes_scores(case):
    scores, make, peer = scores_of(case)
    num = 400
    data = make(num)
    without = np.array([peer(*(np.delete(part, i, axis=0) for part in data)) for i in range(num)])
    found, jackknife = scores(*data), without.mean() + (num - 1) * (without.mean() - without)
    assert np.ptp(found) > 0, "premise: the examples differ"
    assert np.corrcoef(found, jackknife)[0, 1] > 0.998
    assert found.std() == pytest.approx(jackknife.std(), rel=0.06)  # of order 1 / N apart


@pytest.mark.parametrize("case", CASES)
def test_their_variance_is_that_of_new_test_sets(case):
    scores, make, _ = scores_of(case)
    drawn = [scores(*make(500, seed)) for seed in range(600)]
    estimated = np.mean([found.std(ddof=1) for found in drawn[:100]]) / np.sqrt(500)
    assert estimated == pytest.approx(np.std([found.mean() for found in drawn]), rel=0.12)


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


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_a_class_that_is_only_predicted_has_no_recall():
    labels, predicted = [0, 0, 1, 1], [0, 2, 1, 1]
    scores = CLASS_SCORES["balanced_accuracy"](labels, predicted)
    assert scores.mean() == metrics.balanced_accuracy_score(labels, predicted) == 0.75


def test_a_class_without_test_texts_is_not_ranked():
    labels, table = probabilities(300)
    wider = np.insert(table, 3, 0.5, axis=1)
    moved = labels + (labels >= 3)
    for name in ("roc_auc", "average_precision"):
        np.testing.assert_array_equal(
            CLASS_RANKING_SCORES[name](moved, wider), CLASS_RANKING_SCORES[name](labels, table)
        )


@pytest.mark.parametrize(("labels", "predicted"), [([0, 0, 0], [0, 1, 0]), ([0, 1, 0], [1, 1, 1])])
def test_mcc_of_a_single_class_is_zero(labels, predicted):
    assert CLASS_SCORES["mcc"](labels, predicted).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["pearson", "spearman"])
@pytest.mark.parametrize("constant", [0.1, 0.0, 1e9 + 0.1])
def test_a_correlation_with_a_constant_is_zero(name, constant):
    varying, same = np.arange(7.0), np.full(7, constant)
    assert NUMBER_SCORES[name](varying, same).tolist() == NUMBER_SCORES[name](same, varying).tolist() == [0] * 7


def test_a_perfect_fit_has_no_error_and_no_noise():
    values = np.array([3.0, 1.0, 2.0])
    assert NUMBER_SCORES["rmse"](values, values).tolist() == [0, 0, 0]
    for name in ("pearson", "spearman"):
        assert NUMBER_SCORES[name](values, 2 * values + 1) == pytest.approx([1, 1, 1])


def test_the_variance_of_the_area_is_delongs():
    """Sample variances of the placements of both groups, each over its own number."""
    labels, table = two_classes(60)
    above, below = table[labels == 1, 1], table[labels == 0, 1]
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    delong = wins.mean(axis=1).var(ddof=1) / len(above) + wins.mean(axis=0).var(ddof=1) / len(below)
    assert roc_auc_scores(labels, table[:, 1]).var() / 60 == pytest.approx(delong)


def test_what_ranks_nothing_is_chance_or_zero():
    values = [0.2, 0.4]
    for flags in ([0, 0], [1, 1]):
        assert roc_auc_scores(flags, values).tolist() == [0.5, 0.5]
    assert average_precision_scores([0, 0], values).tolist() == [0, 0]
    assert average_precision_scores([1, 1], values) == pytest.approx([1, 1])
    nothing = np.zeros((2, 3))
    assert MULTILABEL_SCORES["f1_micro"](nothing, nothing).tolist() == [0, 0]
    assert MULTILABEL_SCORES["f1_macro"](nothing, nothing).tolist() == [0, 0]
    assert MULTILABEL_RANKING_SCORES["mean_average_precision"](nothing, nothing).tolist() == [0, 0]
    assert MULTILABEL_RANKING_SCORES["roc_auc"](nothing, nothing).tolist() == [0.5, 0.5]


def test_a_label_that_no_text_has_counts_where_scikit_learn_counts_it():
    targets, table = (np.insert(part, 2, 0, axis=1) for part in multilabel_probabilities(300))
    scores = MULTILABEL_SCORES["f1_macro"](targets, table > 0.5)
    assert scores.mean() == pytest.approx(metrics.f1_score(targets, table > 0.5, average="macro", zero_division=0))
    used = [0, 1, 3, 4]
    for name, peer in (
        ("mean_average_precision", metrics.average_precision_score), ("roc_auc", metrics.roc_auc_score)
    ):  # fmt: skip
        scores = MULTILABEL_RANKING_SCORES[name](targets, table)
        assert scores.mean() == pytest.approx(peer(targets[:, used], table[:, used]))


def test_with_few_classes_every_label_is_among_the_first():
    assert top_k_scores([0, 1], [[0.9, 0.1], [0.6, 0.4]], k=3).tolist() == [1, 1]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"perplexity has no per-example scores, valid: accuracy"):
        metric_scores("test/perplexity", [0], [0])
    with pytest.raises(ValueError, match="one shape"):
        f1_scores([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="one shape"):
        NUMBER_SCORES["mae"]([[1.0]], [[1.0]])
    with pytest.raises(ValueError, match="finite"):
        NUMBER_SCORES["spearman"]([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(ValueError, match="not nan"):
        CLASS_RANKING_SCORES["roc_auc"]([0, 1], [[0.1, np.nan], [0.1, 0.9]])
    with pytest.raises(ValueError, match="N labels"):
        CLASS_RANKING_SCORES["top3_accuracy"]([0, 1], [0.1, 0.9])
    for label in (-1, 2):
        with pytest.raises(ValueError, match="between 0 and 1"):
            CLASS_RANKING_SCORES["top3_accuracy"]([0, label], [[0.1, 0.9], [0.2, 0.8]])
    with pytest.raises(ValueError, match="alike"):
        MULTILABEL_SCORES["f1_micro"]([[0, 1]], [[0, 1], [1, 1]])

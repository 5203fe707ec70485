"""Standardising and whitening, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from poolsweep.postprocess.standardize import Standardize
from poolsweep.postprocess.whiten import Whiten


@pytest.fixture
def vectors() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(200, 6) @ torch.randn(6, 6) + 100  # correlated, far from zero


def test_standardize_equals_scikit_learn(vectors):
    post = Standardize(size=6)
    post.fit(vectors.split(33))
    assert len(vectors) % 33, "premise: the last batch is smaller"
    np.testing.assert_allclose(post(vectors), StandardScaler().fit_transform(vectors.double()), atol=1e-4)


def test_whitened_training_vectors_have_identity_covariance(vectors):
    post = Whiten(size=6)
    post.fit(vectors.split(33))
    white = post(vectors).double()
    np.testing.assert_allclose(white.mean(dim=0), np.zeros(6), atol=1e-4)
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(6), atol=1e-3)


def test_whitening_to_fewer_dimensions_equals_scikit_learn_up_to_sign(vectors):
    post = Whiten(size=6, dimensions=3)
    post.fit([vectors])
    peer = PCA(3, whiten=True).fit_transform(vectors.double().numpy()) * np.sqrt(200 / 199)  # it divides by n − 1
    np.testing.assert_allclose(post(vectors).abs(), np.abs(peer), atol=2e-3)


@pytest.mark.parametrize("kind", [Standardize, Whiten])
def test_dimensions_that_do_not_vary_give_zero(kind, vectors):
    vectors[:, 2] = 5.0
    post = kind(size=6)
    post.fit([vectors])
    found = post(vectors)
    assert torch.isfinite(found).all()
    assert int((found.abs().amax(dim=0) == 0).sum()) == 1


def test_too_many_dimensions_are_refused():
    with pytest.raises(ValueError, match="between 1 and the pooled size 6, got 7"):
        Whiten(size=6, dimensions=7)

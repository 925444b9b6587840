"""Pipelines and meta-estimators with scikit-learn's own classes in place of ours."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from joint_examples import FUNCTIONS, names_data
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skmaxent import (
    BackpropMLPClassifier,
    JointFeatures,
    LogCountRatioScaler,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    dropin,
)
from skmaxent.export import to_sklearn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = random_sparse(60, 12, 0.4, seed=3)
Y = np.array(["ant", "bee", "cow"])[X[:, :3].toarray().argmax(axis=1)]
NETWORK = {"hidden_layer_sizes": (3,), "max_iter": 5, "random_state": 0}


def holders():
    yield MaxEntClassifier()
    yield make_pipeline(MaxAbsScaler(), MaxEntClassifierCV(Cs=[0.1, 1.0], cv=2))
    yield GridSearchCV(
        make_pipeline(MaxAbsScaler(), MaxEntClassifier()), {"maxentclassifier__C": [0.1, 1]}, cv=2
    )
    yield GridSearchCV(BackpropMLPClassifier(**NETWORK), {"alpha": [0.1, 1]}, cv=2)
    yield CalibratedClassifierCV(MaxEntClassifier(), cv=2)
    yield VotingClassifier(
        [("a", MaxEntClassifier()), ("b", BackpropMLPClassifier(**NETWORK))], voting="soft"
    )
    yield OneVsRestClassifier(BackpropMLPClassifier(**NETWORK))
    yield FrozenEstimator(dropin.LogisticRegression().fit(X, Y))
    yield make_pipeline(MaxAbsScaler(), dropin.MLPClassifier(**NETWORK))


@pytest.mark.parametrize("model", holders(), ids=lambda model: type(model).__name__)
def test_all_inside_is_scikit_learns(model, tmp_path):
    model.fit(X, Y)
    before = pickle.dumps(model)
    theirs = to_sklearn(model)
    assert pickle.dumps(model) == before
    assert_array_equal(theirs.predict(X), model.predict(X))
    assert_allclose(theirs.predict_proba(X), model.predict_proba(X), rtol=1e-12, atol=1e-12)
    written = pickle.dumps(theirs)
    assert b"skmaxent" not in written
    file = tmp_path / "model.pickle"
    file.write_bytes(written)
    if isinstance(model, GridSearchCV) and isinstance(theirs.estimator, Pipeline):
        program = (
            "import pickle, sys; sys.modules['skmaxent'] = None\n"
            f"print(pickle.load(open({str(file)!r}, 'rb')).best_params_)"
        )
        printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == str(model.best_params_)


def test_what_is_shared_stays_shared():
    inner = MaxEntClassifier().fit(X, Y)
    first, second, same = to_sklearn([inner, FrozenEstimator(inner), inner])
    assert first is same is second.estimator and type(first) is LogisticRegression


def test_texts():
    texts, y = ["good film", "bad film", "good fun", "odd"], ["pos", "neg", "pos", "neg"]
    model = make_pipeline(TfidfVectorizer(), MaxEntClassifier()).fit(texts, y)
    theirs = to_sklearn(model)
    assert theirs.predict(["good"]) == ["pos"] and type(theirs[0]) is TfidfVectorizer
    assert_allclose(theirs.decision_function(texts), model.decision_function(texts), rtol=1e-12)


def test_unfitted_ones_have_the_parameters():
    assert str(to_sklearn(MaxEntClassifier(C=3.0, max_iter=7))) == "LogisticRegression(C=3.0, max_iter=7)"
    network = to_sklearn(BackpropMLPClassifier((3, 2), alpha=0.5, dropout=0.1))
    assert str(network) == "MLPClassifier(alpha=0.5, hidden_layer_sizes=(3, 2))"
    assert type(network) is MLPClassifier
    assert type(to_sklearn(dropin.LogisticRegression(C=2.0))) is LogisticRegression


class Mine(MaxEntClassifier):
    pass


def test_what_derives_from_ours_is_replaced_and_others_are_left():
    class Theirs(BaseEstimator):
        pass

    assert type(to_sklearn(Mine().fit(X, Y))) is LogisticRegression
    assert to_sklearn({"a": [1, 2]}) == {"a": [1, 2]}
    model = to_sklearn(make_pipeline(MaxAbsScaler(), LogisticRegression()).fit(X, Y))
    assert type(model[-1]) is LogisticRegression


@pytest.mark.parametrize(
    "around",
    [
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: CalibratedClassifierCV(make_pipeline(MaxAbsScaler(), model), cv=2),
        lambda model: FixedThresholdClassifier(model),
        lambda model: OneVsOneClassifier(model),
    ],
)
def test_decision_values_that_mlpclassifier_does_not_have(around):
    """A calibration of ours was learnt on log-odds, and would be given probabilities."""
    two = Y != "cow"
    model = around(BackpropMLPClassifier(**NETWORK)).fit(X[two], Y[two])
    with pytest.raises(ValueError, match="may read the decision_function of its classifier"):
        to_sklearn(model)
    linear = around(MaxEntClassifier()).fit(X[two], Y[two])
    assert_array_equal(to_sklearn(linear).predict(X), linear.predict(X))


def test_a_threshold_on_probabilities_travels():
    two = Y != "cow"
    model = FixedThresholdClassifier(
        BackpropMLPClassifier(**NETWORK), threshold=0.45, response_method="predict_proba", pos_label="bee"
    ).fit(X[two], Y[two])
    assert_array_equal(to_sklearn(model).predict(X), model.predict(X))


@pytest.mark.parametrize(
    "model, message",
    [
        (lambda: LogCountRatioScaler().fit(abs(X), Y == "ant"), "LogCountRatioScaler has no counterpart"),
        (lambda: MaxEntRanker(), "MaxEntRanker has no counterpart"),
        (lambda: MaxEntClassifier(features=JointFeatures(FUNCTIONS)).fit(*names_data()), "joint features"),
        (lambda: MaxEntClassifier(features=JointFeatures(FUNCTIONS)), "joint features"),
        (lambda: BackpropMLPClassifier(activation="silu"), "no activation 'silu'"),
    ],
)
def test_what_has_no_counterpart_is_named(model, message):
    with pytest.raises(ValueError, match=message):
        to_sklearn(make_pipeline("passthrough", model()))

"""Models of the drop-in classes as instances of scikit-learn's own."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import random_sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skmaxent import dropin

X = random_sparse(60, 12, 0.4, seed=3)
Y = np.array(["ant", "bee", "cow"])[X[:, :3].toarray().argmax(axis=1)]
MODELS = [
    dropin.LogisticRegression(),
    dropin.LogisticRegressionCV(Cs=[0.1, 1.0], cv=2),
    dropin.MLPClassifier((400, 200), max_iter=2, random_state=0),  # large enough for our optimiser's blocks
    dropin.MLPClassifier((5,), solver="sgd", max_iter=2, random_state=0),
]
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::FutureWarning"
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_all_is_scikit_learns(model, tmp_path):
    ours = clone(model).fit(X, Y)
    theirs = ours.to_sklearn()
    assert type(theirs).__name__ == type(ours).__name__
    assert type(theirs).__module__.startswith("sklearn.") and not hasattr(theirs, "fit_engine_")
    assert_array_equal(theirs.predict_proba(X), ours.predict_proba(X))
    assert theirs.get_params() == ours.get_params()
    if hasattr(theirs, "partial_fit"):
        before = ours.predict_proba(X)
        theirs.partial_fit(X, Y)  # with scikit-learn's optimiser, whose moments go on
        assert_array_equal(ours.predict_proba(X), before)
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps((theirs, X)))
    program = (
        "import pickle, sys; sys.modules['skmaxent'] = None\n"
        f"model, X = pickle.load(open({str(file)!r}, 'rb')); print(*model.predict(X))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == theirs.predict(X).tolist()


@pytest.mark.parametrize("model", MODELS[1:3], ids=lambda model: type(model).__name__)
def test_before_fit_there_is_nothing_to_give(model):
    with pytest.raises(NotFittedError):
        model.to_sklearn()

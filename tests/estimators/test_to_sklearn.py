"""Fitted models as scikit-learn's own: the same answers, without this package."""

import pickle
import subprocess
import sys
from ast import literal_eval

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from variants import VARIANTS

from skmaxent import BackpropMLPClassifier, MaxEntClassifier, MaxEntClassifierCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = random_sparse(60, 12, 0.4, seed=3)
LABELS = np.array(["ant", "bee", "cow"])
Y = LABELS[(X[:, :3].toarray() + np.random.default_rng(0).standard_normal((60, 3)) / 2).argmax(axis=1)]
TWO = Y != "cow"


def same(ours, theirs, X):
    """Every answer of the two models, to 1e-12."""
    assert type(theirs).__module__.startswith("sklearn.")
    assert_array_equal(ours.predict(X), theirs.predict(X))
    names = ("predict_proba", "decision_function")
    for name in names:
        if hasattr(theirs, name):
            assert_allclose(getattr(ours, name)(X), getattr(theirs, name)(X), rtol=1e-12, atol=1e-12)
    assert hasattr(theirs, names[isinstance(theirs, LogisticRegression)])
    for name in ("classes_", "n_features_in_"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))


TABLES = [name for name, variant in VARIANTS.items() if variant.kind == "table"]


@pytest.mark.parametrize("name", TABLES)
def test_every_classifier_of_columns_becomes_one_that_predicts_the_same(name):
    data, y, weights, extra = VARIANTS[name].data()
    model = VARIANTS[name].make().fit(data, y, sample_weight=weights, **extra)
    for rows in (data, data.toarray()):
        same(model, model.to_sklearn(), rows)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in TABLES])
def test_what_has_no_counterpart_says_so(name):
    data, y, _, extra = VARIANTS[name].data()
    model = VARIANTS[name].make()
    if not hasattr(model, "to_sklearn"):
        assert VARIANTS[name].kind in ("groups", "sequences", "tagged")
        return
    with pytest.raises(ValueError, match=r"joint features f\(c, d\), and LogisticRegression has a weight"):
        model.fit(data, y, **extra).to_sklearn()


@pytest.mark.parametrize("kept", [slice(None), TWO], ids=["three classes", "two classes"])
@pytest.mark.parametrize(
    "model",
    [
        MaxEntClassifier(C=3.0, l1_ratio=0.3),
        MaxEntClassifier(features="observed"),
        MaxEntClassifierCV(Cs=[0.1, 1.0], cv=2, refit=False),
        BackpropMLPClassifier((5, 4), activation="tanh", solver="adagrad", random_state=0, dropout=0.2),
        BackpropMLPClassifier((5,), activation="logistic", early_stopping=True, random_state=0),
        BackpropMLPClassifier((), activation="gelu", solver="lbfgs", random_state=0),
    ],
)
def test_two_classes_and_several(model, kept):
    model = clone(model).fit(X[kept], Y[kept])
    theirs = model.to_sklearn()
    same(model, theirs, X)
    same(model, pickle.loads(pickle.dumps(theirs)), X)
    assert clone(theirs).get_params() == theirs.get_params()


def test_scaled_rows_in_a_pipeline():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X.toarray(), columns=[f"c{j}" for j in range(12)])
    for model in (MaxEntClassifier(), BackpropMLPClassifier((4,), solver="lbfgs", random_state=0)):
        scaler = StandardScaler().set_output(transform="pandas")
        ours = make_pipeline(scaler, model).fit(frame, Y)
        theirs = make_pipeline(*[step for _, step in ours.steps[:-1]], ours[-1].to_sklearn())
        same(ours, theirs, frame)
        assert_array_equal(theirs[-1].feature_names_in_, frame.columns)
        with pytest.raises(ValueError, match="feature names should match"):
            theirs.predict(frame.rename(columns={"c0": "other"}))


def test_sparse_weights_stay_sparse():
    ours = MaxEntClassifier(l1_ratio=1.0).fit(X, Y).sparsify()
    theirs = ours.to_sklearn()
    assert sparse.issparse(theirs.coef_) and theirs.coef_.format == "csr"
    same(ours, theirs, X)
    same(ours, theirs.densify(), X.toarray())
    same(ours.densify(), theirs.sparsify(), X)


def test_the_copy_is_independent():
    ours = BackpropMLPClassifier((4,), random_state=0, max_iter=3).fit(X, Y)
    before = ours.predict_proba(X)
    theirs = ours.to_sklearn()
    for _ in range(3):
        theirs.partial_fit(X.toarray(), Y)  # goes on from the weights
    assert_array_equal(ours.predict_proba(X), before)
    assert len(ours.loss_curve_) == 3 and len(theirs.loss_curve_) == 6
    assert theirs.loss_curve_[3] < ours.loss_curve_[0]
    linear = MaxEntClassifier().fit(X, Y)
    before = linear.predict_proba(X)
    linear.to_sklearn().coef_[:] = 0
    assert_array_equal(linear.predict_proba(X), before)


@pytest.mark.parametrize("prior", [{"C": 0.5}, {"l1_ratio": 0.5}, {"l1_ratio": 1.0, "C": 2.0}])
def test_a_new_fit_finds_the_same_optimum(prior):
    ours = MaxEntClassifier(tol=1e-12, class_weight="balanced", **prior).fit(X, Y)
    theirs = clone(ours.to_sklearn()).set_params(tol=1e-9, max_iter=20_000, random_state=0).fit(X, Y)
    assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), atol=1e-4)


def test_without_a_prior_too():
    noise = np.random.default_rng(0).choice(LABELS, size=60)
    ours = MaxEntClassifier(C=np.inf).fit(X[:, :3], noise)
    theirs = ours.to_sklearn()
    same(ours, theirs, X[:, :3])
    again = clone(theirs).set_params(tol=1e-9).fit(X[:, :3], noise)
    assert_allclose(again.predict_proba(X[:, :3]), ours.predict_proba(X[:, :3]), atol=1e-4)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_several_labels_a_row(n_labels):
    labels = (X[:, :n_labels].toarray() > 0.3).astype(int)
    ours = BackpropMLPClassifier((6,), solver="lbfgs", random_state=0).fit(X, labels)
    theirs = ours.to_sklearn()
    same(ours, theirs, X)
    assert theirs.predict(X).shape == (60, n_labels)
    theirs.set_params(solver="adam").partial_fit(X, labels)  # its labels are of the kind that it expects


@pytest.mark.parametrize("n_classes", [2, 3])
def test_label_masses(n_classes):
    masses = np.random.default_rng(0).random((60, n_classes))
    for model in (MaxEntClassifier(), BackpropMLPClassifier((3,), solver="lbfgs", random_state=0)):
        ours = model.fit(X, masses)
        same(ours, ours.to_sklearn(), X)


def test_one_class_alone():
    ours = BackpropMLPClassifier((3,), max_iter=2, random_state=0).fit(X, np.full(60, "ant"))
    same(ours, ours.to_sklearn(), X)


def test_single_precision_stays():
    ours = MaxEntClassifier().fit(X.astype(np.float32), Y)
    theirs = ours.to_sklearn()
    assert theirs.coef_.dtype == np.float32
    assert_allclose(theirs.predict_proba(X.astype(np.float32)), ours.predict_proba(X), atol=1e-6)


def test_what_mlpclassifier_lacks_is_named():
    model = BackpropMLPClassifier((3,), activation="gelu", max_iter=2, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="MLPClassifier has no activation 'gelu', only identity, logistic"):
        model.to_sklearn()
    one = BackpropMLPClassifier((3,), max_iter=2, random_state=0, target_type="multilabel")
    with pytest.raises(ValueError, match="multilabel model of one label cannot"):
        one.fit(X, (X[:, [0]].toarray() > 0.3).astype(int)).to_sklearn()


@pytest.mark.parametrize("model", [MaxEntClassifier(), MaxEntClassifierCV(), BackpropMLPClassifier()])
def test_an_unfitted_model_has_nothing_to_give(model):
    with pytest.raises(NotFittedError):
        model.to_sklearn()


def test_pickles_load_without_this_package(tmp_path):
    """In a process where skmaxent cannot be imported."""
    models = [
        MaxEntClassifier().fit(X, Y).to_sklearn(),
        MaxEntClassifier(features="observed").fit(X, Y).sparsify().to_sklearn(),
        BackpropMLPClassifier((3,), max_iter=2, random_state=0).fit(X, Y).to_sklearn(),
    ]
    assert [type(model) for model in models] == [LogisticRegression, LogisticRegression, MLPClassifier]
    file = tmp_path / "models.pickle"
    file.write_bytes(pickle.dumps((models, X)))
    program = (
        "import pickle, sys; sys.modules['skmaxent'] = None\n"
        f"models, X = pickle.load(open({str(file)!r}, 'rb'))\n"
        "print([m.predict(X).tolist() for m in models])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert literal_eval(printed.stdout) == [model.predict(X).tolist() for model in models]

"""Models in ONNX answer as they do here."""

import warnings

import numpy as np
import pytest
from joint_examples import FUNCTIONS, names_data
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmaxent import (
    BackpropMLPClassifier,
    JointFeatures,
    MaxEntClassifier,
    MaxEntClassifierCV,
    RecurrentClassifier,
    dropin,
)
from skmaxent.export import register_onnx, to_sklearn
from skmaxent.nn.activations import ACTIVATIONS

EXTRA = "comes with the extra 'onnx'"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of skl2onnx's own imports
    skl2onnx = pytest.importorskip("skl2onnx", reason=f"skl2onnx {EXTRA}")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from skl2onnx.common.data_types import (
        BooleanTensorType,
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = random_sparse(60, 12, 0.4, seed=3).toarray()
CODES = (X[:, :3] + np.random.default_rng(0).standard_normal((60, 3)) / 2).argmax(axis=1)
LABELS = {
    "text": np.array(["ant", "bee", "cow"]),
    "objects": np.array(["ant", "bee", "cow"], dtype=object),
    "numbers": np.array([-7, 2, 30]),
    "whole floats": np.array([1.0, 2.0, 3.0]),
}
Y = LABELS["text"][CODES]


@pytest.fixture(autouse=True)
def registered():
    register_onnx()


def network(sizes=(5,), **parameters):
    return BackpropMLPClassifier(sizes, random_state=0, max_iter=30, **parameters)


def outputs(model, X, kind=None, **options):
    """What onnxruntime says, a list of arrays."""
    options = {"zipmap": False, **options}
    types = [("X", kind([None, X.shape[1]]))] if kind else None
    model = skl2onnx.to_onnx(model, None if kind else X[:1], initial_types=types, options=options)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X})


def same(model, given, tolerance=1e-6, **options):
    labels, proba = outputs(model, given, **options)
    assert_array_equal(labels, model.predict(given))
    assert_allclose(proba, model.predict_proba(given), rtol=0, atol=tolerance)
    return proba


MODELS = {
    "maxent": MaxEntClassifier(),
    "observed": MaxEntClassifier(features="observed", l1_ratio=0.5),
    "no intercept": MaxEntClassifier(fit_intercept=False),
    "search": MaxEntClassifierCV(Cs=[0.1, 1.0], cv=2),
    "softmax": network(()),
    "deep": network((5, 4), solver="adagrad", learning_rate_init=0.1),
    "dropout": network(dropout=0.5),
    **{f"network {name}": network(activation=name) for name in ACTIVATIONS},
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_labels_and_probabilities(name, n_classes):
    kept = n_classes > CODES
    model = MODELS[name].fit(X[kept], Y[kept])
    # The runtime has the error function in single precision alone.
    exact = 1e-7 if name == "network gelu" else 1e-12
    assert same(model, X, exact).dtype == np.float64
    assert same(model, X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    "labels, n_classes", [("text", 2), ("text", 3), ("objects", 3), ("numbers", 2), ("whole floats", 3)]
)
@pytest.mark.parametrize("model", [MaxEntClassifier(), network((3,))], ids=["maxent", "network"])
def test_the_outputs_are_those_of_scikit_learns_model(model, labels, n_classes):
    """Names, types and values, under every option, are those of the same weights in scikit-learn's class."""
    kept = n_classes > CODES
    model = model.fit(X[kept], LABELS[labels][CODES[kept]])
    theirs, data = model.to_sklearn(), X.astype(np.float32)
    cases = [{}, {"zipmap": True}, {"zipmap": "columns"}]
    if isinstance(theirs, LogisticRegression):  # that of MLPClassifier has none of these, or fails
        cases += [{"raw_scores": True}, {"nocl": True}]
        if labels != "whole floats":  # theirs has no names of such
            cases += [{"output_class_labels": True}]
    for options in cases:
        for ours, expected in zip(
            outputs(model, data, **options), outputs(theirs, data, **options), strict=True
        ):
            if options.get("zipmap") is True and isinstance(ours, list):
                assert [[*row] for row in ours] == [[*row] for row in expected]
                ours, expected = ([[*row.values()] for row in rows] for rows in (ours, expected))
            if np.asarray(expected).dtype.kind == "f":
                assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
            else:
                assert_array_equal(ours, expected)
                assert np.asarray(ours).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("model", [MaxEntClassifier(), network()], ids=["maxent", "network"])
def test_numbers_in_place_of_labels_and_raw_scores(model):
    model.fit(X, Y)
    codes, scores = outputs(model, X, nocl=True, raw_scores=True)
    assert codes.dtype == np.int64 and model.classes_[codes].tolist() == model.predict(X).tolist()
    assert_allclose(scores, model.decision_function(X), rtol=1e-12, atol=1e-12)


def test_two_classes_are_not_halved():
    """The softmax of (-s, s), which a linear classifier of ONNX has by default, would be sigmoid(2 s)."""
    model = MaxEntClassifier().fit(X[CODES < 2], Y[CODES < 2])
    _, proba = outputs(model, X)
    assert_allclose(np.log(proba[:, 1] / proba[:, 0]), model.decision_function(X), rtol=1e-9)
    _, scores = outputs(model, X, raw_scores=True)
    assert_allclose(scores, model.decision_function(X)[:, None] * [-1, 1], rtol=1e-12)


@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_several_labels_a_row(n_labels):
    marks = (X[:, :n_labels] > 0.3).astype(int)
    model = network(target_type="multilabel").fit(X, marks)
    assert same(model, X, 1e-12).shape == (60, n_labels)
    _, scores = outputs(model, X, raw_scores=True)
    assert_allclose(scores, model.decision_function(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_label_masses(n_classes):
    masses = np.random.default_rng(0).random((60, n_classes))
    for model in (MaxEntClassifier(), network()):
        same(model.fit(X, masses), X, 1e-12)


@pytest.mark.parametrize("kind", [FloatTensorType, DoubleTensorType, Int64TensorType, BooleanTensorType])
def test_inputs_of_every_type(kind):
    types = {FloatTensorType: np.float32, DoubleTensorType: float, Int64TensorType: np.int64}
    data = (X > 0.2).astype(types.get(kind, bool))
    for model in (MaxEntClassifier(), network()):
        same(model.fit(X, Y), data, kind=kind)


def test_sparse_weights():
    same(MaxEntClassifier(l1_ratio=1.0).fit(X, Y).sparsify(), X, 1e-12)


TEXTS = ["a good film", "a bad film", "good good fun", "bad and dull", "odd", "very odd film"] * 3
KINDS = ["pos", "neg", "pos", "neg", "odd", "odd"] * 3


# The default token_pattern leaves words of one letter out, around which skl2onnx makes other pairs.
PAIRS = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b")


@pytest.mark.parametrize("vectorizer", [CountVectorizer(), TfidfVectorizer(), PAIRS])
@pytest.mark.parametrize(
    "model", [MaxEntClassifier(features="observed"), network()], ids=["maxent", "network"]
)
def test_texts(vectorizer, model):
    pipeline = make_pipeline(vectorizer, model).fit(TEXTS, KINDS)
    texts = np.array([*TEXTS[:6], "nothing known", "film film bad", "a bad a good film"])
    options = {id(model): {"zipmap": False}, id(vectorizer): {"locale": "C"}}  # not all machines have en_US
    onnx = skl2onnx.to_onnx(pipeline, initial_types=[("text", StringTensorType([None]))], options=options)
    session = runtime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, proba = session.run(None, {"text": texts})
    assert labels.tolist() == pipeline.predict(texts).tolist()
    assert_allclose(proba, pipeline.predict_proba(texts), atol=1e-6)


@pytest.mark.parametrize(
    "around",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: make_pipeline(ColumnTransformer([("all", StandardScaler(), [0, 1, 2])]), model),
        lambda model: GridSearchCV(model, {"random_state": [0]}, cv=2),
        lambda model: CalibratedClassifierCV(model, cv=2),
    ],
)
@pytest.mark.parametrize("model", [MaxEntClassifier(), network()], ids=["maxent", "network"])
def test_inside_of_others(around, model):
    same(around(model).fit(X, Y), X)


def test_drop_in_classes_travel_as_scikit_learns():
    pipeline = make_pipeline(StandardScaler(), dropin.LogisticRegression()).fit(X, Y)
    labels, proba = outputs(to_sklearn(pipeline), X)
    assert_array_equal(labels, pipeline.predict(X))
    assert_allclose(proba, pipeline.predict_proba(X), atol=1e-12)


def test_what_cannot_be_converted_says_so():
    data, y = names_data()
    joint = MaxEntClassifier(features=JointFeatures(FUNCTIONS)).fit(data, y)
    with pytest.raises(ValueError, match=r"joint features f\(c, d\), functions in Python, which ONNX cannot"):
        outputs(joint, X)
    with pytest.raises(ValueError, match=r"labels that are whole numbers or text. Got \[b'ant', b'bee'"):
        outputs(MaxEntClassifier().fit(X, Y.astype(bytes)), X)
    with pytest.raises(ValueError, match="trained on a single class"):
        outputs(network().fit(X, np.ones(60)), X)
    with pytest.raises(NotFittedError):
        outputs(MaxEntClassifier(), X)
    with pytest.raises(Exception, match="RecurrentClassifier"):
        outputs(RecurrentClassifier((2,), max_iter=1).fit([X[:3], X[3:6]], [0, 1]), X, kind=FloatTensorType)

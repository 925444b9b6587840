"""Joint features inside scikit-learn: its tools, pickles, refits, folds without a class, and misuse."""

import pickle

import numpy as np
import pytest
from joint_examples import CLASSES, FUNCTIONS, dict_data, ends_in_c, names_data
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmaxent import Joined, JointFeatures, MaxEntClassifier, explain


def test_scikit_learn_tools():
    data, y = names_data()
    model = MaxEntClassifier(features=JointFeatures([*FUNCTIONS, Joined(0, min_count=2)]), C=5.0)
    assert clone(model).get_params()["features"].functions == model.features.functions
    scores = cross_val_score(model, data, y, cv=3)
    assert scores.min() > 0.4
    search = GridSearchCV(model, {"C": [0.01, 1.0], "features__bias": [False, True]}, cv=3).fit(data, y)
    assert search.best_score_ >= scores.mean() - 0.1
    assert search.best_estimator_.predict(data[:5]).shape == (5,)
    assert "JointFeatures" in repr(model)


def test_pickles_and_state():
    data, y = names_data()
    model = MaxEntClassifier(features=JointFeatures([*FUNCTIONS, Joined(0), Joined((0, 1))], bias=True)).fit(
        data, y
    )
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(data), model.predict_proba(data))
    # A model of templates with keys needs nothing but this package.
    stored = pickle.dumps(MaxEntClassifier(features=JointFeatures([Joined(0), Joined((0, 1))])).fit(data, y))
    assert __name__.encode() not in stored
    assert not hasattr(model, "intercept_") and not hasattr(model, "n_features_in_")


def test_refitting_with_plain_features_leaves_no_trace():
    data, y = names_data()
    model = MaxEntClassifier(features=JointFeatures(FUNCTIONS)).fit(data, y)
    X = np.random.default_rng(0).standard_normal((len(y), 3))
    model.set_params(features="all").fit(X, y)
    assert model.predict_proba(X).shape == (len(y), 3)
    assert not hasattr(model, "joint_table_") and not hasattr(model, "joint_feature_names_")
    model.set_params(features=JointFeatures(FUNCTIONS)).fit(data, y)
    assert not hasattr(model, "intercept_")


def test_warm_start():
    data, y = names_data()
    model = MaxEntClassifier(
        features=JointFeatures(FUNCTIONS), warm_start=True, solver="lbfgs", tol=1e-9
    ).fit(data, y)
    first = model.coef_.copy()
    assert model.fit(data, y).n_iter_[0] <= 2
    np.testing.assert_allclose(model.coef_, first, rtol=1e-6)


def raises(c, d):
    return {"LOCATION": 1}[c]


def sometimes_nan(c, d):
    return float("nan") if c == "DRUG" and d[1] == "mac" else 0.0


def unbounded(c, d):
    return float("inf") if d[1] == "mac" else 1


def huge(c, d):
    return 10**400 if d[1] == "mac" else 1


def text(c, d):
    return "yes" if d[1] == "mac" else True


def nothing(c, d):
    return None


class Counter:
    """Answers differently each time."""

    calls = 0

    def __call__(self, c, d):
        self.calls += 1
        return self.calls


@pytest.mark.parametrize(
    "function, message",
    [
        (raises, r"feature 'raises' raised KeyError .* for the class 'DRUG' and the datum \('saw', 'mac'\)"),
        (sometimes_nan, r"'sometimes_nan' is NaN for the class 'DRUG' and the datum \('saw', 'mac'\)"),
        (
            unbounded,
            r"'unbounded' is inf, not a bounded number, for the class 'DRUG' and the datum \('saw', 'mac'\)",
        ),
        (huge, r"'huge' is 1\d+, not a bounded number, for the class 'DRUG' and the datum \('saw', 'mac'\)"),
        (
            text,
            r"'text' is 'yes', not a bool or a real number, for the class 'DRUG' and the datum \('saw'",
        ),
        (nothing, r"'nothing' is None, not a bool or a real number, for the class 'DRUG'"),
        (
            Counter(),
            r"'Counter' changes its answer between calls, .* for the class 'DRUG' and the datum \('saw'",
        ),
    ],
)
def test_errors_name_function_class_and_datum(function, message):
    data, y = [("saw", "mac"), ("in", "Rome"), ("at", "Rome")], ["DRUG", "LOCATION", "LOCATION"]
    with pytest.raises(ValueError, match=message):
        MaxEntClassifier(features=JointFeatures([ends_in_c, function])).fit(data, y)


def test_names_of_the_user_stand_in_the_errors():
    with pytest.raises(ValueError, match="feature 'second' raised"):
        MaxEntClassifier(features=JointFeatures([ends_in_c, raises], names=["first", "second"])).fit(
            [("a", "b"), ("c", "d")], ["x", "y"]
        )


@pytest.mark.parametrize(
    "features, message",
    [
        (
            lambda: JointFeatures([]),
            "'functions' parameter of JointFeatures must be a list with at least one",
        ),
        (
            lambda: JointFeatures(ends_in_c),
            "'functions' parameter of JointFeatures must be a list of callables",
        ),
        (
            lambda: JointFeatures(["word"]),
            "'functions' parameter of JointFeatures must be a list of callables",
        ),
        (
            lambda: JointFeatures([ends_in_c], names=["a", "b"]),
            "'names' parameter of JointFeatures must be None or",
        ),
        (lambda: JointFeatures([ends_in_c], bias=2), "'bias' parameter of JointFeatures must be an instance"),
        (lambda: JointFeatures([Joined(2.5)]), "'predicate' parameter of Joined must be a str"),
        (lambda: JointFeatures([Joined(0, min_count=-1)]), "'min_count' parameter of Joined must be an int"),
        (lambda: JointFeatures([Joined(0, classes="DRUG")]), "'classes' parameter of Joined must be a list"),
        (
            lambda: JointFeatures([Joined(0, pairs=["ab"])]),
            "'pairs' parameter of Joined must be a list of pairs",
        ),
        (lambda: JointFeatures([Joined(0, classes=["x"], pairs=[])]), "exclude each other"),
    ],
)
def test_parameters(features, message):
    with pytest.raises(ValueError, match=message):
        MaxEntClassifier(features=features()).fit([("a", "b"), ("c", "d")], ["x", "y"])


def test_malformed_data():
    model = MaxEntClassifier(features=JointFeatures([ends_in_c]))
    with pytest.raises(NotFittedError):
        model.predict([("a", "b")])
    with pytest.raises(ValueError, match=r"Expected a list of data.*Got str instead"):
        model.fit("text", ["x"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit([("a", "b")], ["x", "y"])
    with pytest.raises(ValueError, match="0 sample"):
        model.fit([], [])
    with pytest.raises(ValueError, match="features' parameter of MaxEntClassifier"):
        MaxEntClassifier(features=[ends_in_c]).fit([("a", "b"), ("c", "d")], ["x", "y"])
    with pytest.raises(TypeError, match="a str"):
        Joined("x").values({"x": object()})


def test_a_failing_fit_leaves_the_old_model_whole():
    data, y = names_data()
    model = MaxEntClassifier(features=JointFeatures(FUNCTIONS)).fit(data, y)
    before = model.predict_proba(data)
    model.features.functions.append(raises)
    try:
        with pytest.raises(ValueError, match="raised KeyError"):
            model.fit(data, y)
        with pytest.raises(ValueError, match=r"The features were .* when the model was fitted"):
            model.predict(data)
    finally:
        model.features.functions.remove(raises)
    np.testing.assert_array_equal(model.predict_proba(data), before)


def test_classes_that_a_fold_lacks_are_reported():
    data, y = names_data()
    fold = [(d, c) for d, c in zip(data, y) if c != "DRUG"]
    model = MaxEntClassifier(features=JointFeatures([Joined(0, classes=["DRUG", "PERSON"]), ends_in_c]))
    with pytest.warns(
        UserWarning, match=r"template '0' names the classes \['DRUG'\], which the training labels lack"
    ):
        model.fit(*zip(*fold))
    assert model.joint_feature_names_.tolist()[-1] == "ends_in_c"
    assert model.coef_[-1] == 0
    with pytest.raises(ValueError, match=r"previously unseen labels: \['DRUG'\]"):
        model.observed_counts(data, y)


def test_from_weights():
    pairs = [("0=in", "LOCATION"), ("0=take", "DRUG")]
    features = JointFeatures([Joined(0, pairs=pairs), ends_in_c], bias=True)
    model = MaxEntClassifier.from_weights(features=features, classes=CLASSES, coef=[1, 2, 3, 0, 0.5, 0])
    assert model.joint_feature_names_[:2].tolist() == ["0=in, c=LOCATION", "0=take, c=DRUG"]
    np.testing.assert_allclose(model.decision_function([("take", "mac")]), [[0, 5.5, 0]])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba([("in", "c")]), model.predict_proba([("in", "c")]))
    with pytest.raises(ValueError, match=r"coef has shape \(2,\), but there are 6 features"):
        MaxEntClassifier.from_weights(features=features, classes=CLASSES, coef=[1, 2])
    with pytest.raises(ValueError, match="at least 2 different labels"):
        MaxEntClassifier.from_weights(features=features, classes=["DRUG", "DRUG"], coef=[1])
    with pytest.raises(ValueError, match="'features' parameter of from_weights"):
        MaxEntClassifier.from_weights(features="all", classes=CLASSES, coef=[1])
    with pytest.raises(ValueError, match="template '1' takes its predicates from training data"):
        MaxEntClassifier.from_weights(features=JointFeatures([Joined(1)]), classes=CLASSES, coef=[1])


def split(phrases):
    return [tuple(phrase.split()) for phrase in phrases]


def test_at_the_end_of_a_pipeline():
    data, y = names_data()
    phrases = [" ".join(d) for d in data]
    model = make_pipeline(FunctionTransformer(split), MaxEntClassifier(features=JointFeatures(FUNCTIONS)))
    model.fit(phrases, y)
    alone = MaxEntClassifier(features=JointFeatures(FUNCTIONS)).fit(data, y)
    np.testing.assert_array_equal(model.predict_proba(phrases), alone.predict_proba(data))
    np.testing.assert_array_equal(explain(model, phrases[0]).scores, explain(alone, data[0]).scores)


def test_rows_of_a_data_frame_are_dicts():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    data, y = dict_data()
    features = JointFeatures([Joined("a"), Joined(("a", "b"), min_count=2)])
    frame = MaxEntClassifier(features=features).fit(pd.DataFrame(data), pd.Series(y))
    dicts = MaxEntClassifier(features=features).fit(data, y)
    np.testing.assert_array_equal(frame.predict_proba(pd.DataFrame(data)), dicts.predict_proba(data))

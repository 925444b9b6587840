"""The parameters that scripts pass, in the words of any version: with ours what happens with theirs."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.neural_network
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import skmaxent.dropin

X3, y3 = load_iris(return_X_y=True)
X3 = scale(X3)
X2, y2 = load_breast_cancer(return_X_y=True)
X2, y2 = scale(X2)[:150, :8], y2[:150]


def outcome(kind, X, y, arguments, options):
    """The fitted model, or the error; and what was warned of, but for convergence."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            model = kind(*arguments, **options).fit(X, y)
        except (TypeError, ValueError) as error:
            model = error
    said = [(one.category, str(one.message)) for one in told]
    return model, {one for one in said if not issubclass(one[0], ConvergenceWarning)}


def same(ours, theirs):
    """Whether the attributes are the same, names, types, shapes, and numbers."""
    state, other = vars(ours), vars(theirs)
    assert state.keys() - {"fit_engine_"} == other.keys()
    for name in other.keys() - {"random_state", "n_iter_"}:
        mine, yours = state[name], other[name]
        assert type(mine) is type(yours), name
        if name in ("coef_", "intercept_", "C_", "l1_ratio_", "classes_", "Cs_", "l1_ratios_"):
            assert np.shape(mine) == np.shape(yours), name
            if np.asarray(yours).dtype == object:
                assert list(mine) == list(yours), name
            else:
                assert_allclose(mine, yours, atol=2e-3, rtol=5e-3, err_msg=name)
    assert np.shape(ours.n_iter_) == np.shape(theirs.n_iter_)


LOGISTIC = [
    ((), {"penalty": "l2"}),
    (("l2",), {"C": 0.5}),
    (("l1",), {"solver": "liblinear"}),
    (("l1",), {"solver": "saga", "C": 0.3}),
    ((None,), {"tol": 1e-8}),
    ((), {"penalty": "elasticnet", "solver": "saga", "l1_ratio": 0.5, "C": 0.3}),
    ((), {"solver": "saga", "l1_ratio": 1, "C": 0.3}),
    ((), {"l1_ratio": 0.0}),
    ((), {"C": np.inf, "tol": 1e-8}),
    ((), {"solver": "liblinear", "dual": True, "random_state": 0}),
    ((), {"solver": "liblinear", "intercept_scaling": 10.0, "random_state": 0}),
    ((), {"intercept_scaling": 3}),
    ((), {"solver": "sag", "random_state": 0}),
    ((), {"solver": "newton-cholesky", "class_weight": "balanced"}),
    ((), {"solver": "newton-cg", "fit_intercept": False, "n_jobs": None}),
    ((), {"multi_class": "ovr"}),
    ((), {"multi_class": "multinomial"}),
    ((), {"multi_class": "auto", "warm_start": True}),
    ((), {"n_jobs": 2}),
    # and what is refused
    ((), {"dual": True}),
    (("l1",), {}),
    ((), {"solver": "lbgfs"}),
    ((), {"l1_ratio": 0.5}),
    ((), {"penalty": "elasticnet", "solver": "saga"}),
    ((), {"alpha": 1.0}),
    ((1.0,), {}),
]


@pytest.mark.parametrize("data", [(X3, y3), (X2, y2)], ids=["several", "two"])
@pytest.mark.parametrize("arguments, options", LOGISTIC, ids=repr)
def test_logistic_regression(data, arguments, options):
    options = {"max_iter": 5000, "tol": 1e-6} | options
    ours, said = outcome(skmaxent.dropin.LogisticRegression, *data, arguments, options)
    theirs, other = outcome(sklearn.linear_model.LogisticRegression, *data, arguments, options)
    assert said == other
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs) and str(ours) == str(theirs)
        return
    if options.get("penalty", (*arguments, "l2")[0]) is None or options.get("C") == np.inf:
        # Weights of separated classes are wherever the solver stopped on their way to infinity.
        X, y = data
        losses = [log_loss(y, model.predict_proba(X)) for model in (ours, theirs)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4, abs=1e-6)
        return
    same(ours, theirs)


CROSS_VALIDATED = [
    ((), {}),
    ((2,), {}),
    (([0.1, 1.0],), {"penalty": "l2"}),
    ((), {"l1_ratios": [0.0], "use_legacy_attributes": False}),
    ((), {"l1_ratios": (0, 0.5, 1), "solver": "saga", "use_legacy_attributes": False}),
    ((), {"penalty": "elasticnet", "l1_ratios": [0.5], "solver": "saga"}),
    ((), {"penalty": "l1", "solver": "liblinear"}),
    ((), {"use_legacy_attributes": True}),
    ((), {"scoring": "neg_log_loss", "refit": False}),
    ((), {"multi_class": "ovr"}),
    ((), {"solver": "lbgfs"}),
]


@pytest.mark.parametrize("arguments, options", CROSS_VALIDATED, ids=repr)
def test_logistic_regression_cv(arguments, options):
    base = {"cv": 2, "tol": 1e-7, "max_iter": 5000, "random_state": 0}
    options = base | ({} if arguments else {"Cs": [0.01, 0.1, 1.0]}) | options
    if options.get("solver") == "saga":
        options |= {"Cs": [0.1], "tol": 1e-4}
    ours, said = outcome(skmaxent.dropin.LogisticRegressionCV, X2, y2, arguments, options)
    theirs, other = outcome(sklearn.linear_model.LogisticRegressionCV, X2, y2, arguments, options)
    assert said == other
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs) and str(ours) == str(theirs)
        return
    same(ours, theirs)


@pytest.mark.parametrize(
    "arguments, options",
    [
        (((5,),), {}),
        (((5, 3), "tanh"), {"solver": "sgd"}),
        ((), {"hidden_layer_sizes": 4, "solver": "lbfgs", "alpha": 0.1}),
        (((5,), "logistic"), {"early_stopping": True, "learning_rate": "adaptive", "solver": "sgd"}),
        ((), {"activation": "swish"}),
        ((), {"dropout": 0.5}),
    ],
    ids=repr,
)
def test_mlp_classifier(arguments, options):
    options = {"max_iter": 20, "random_state": 0} | options
    ours, said = outcome(skmaxent.dropin.MLPClassifier, X3, y3, arguments, options)
    theirs, other = outcome(sklearn.neural_network.MLPClassifier, X3, y3, arguments, options)
    assert said == other
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs) and str(ours) == str(theirs)
        return
    for mine, yours in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_):
        assert_allclose(mine, yours, atol=1e-8)
    assert_allclose(ours.predict_proba(X3), theirs.predict_proba(X3), atol=1e-8)


@pytest.mark.parametrize("name, parameter", [("LogisticRegression", "C"), ("MLPClassifier", "alpha")])
def test_steps_of_pipelines_keep_their_names(name, parameter):
    model = getattr(skmaxent.dropin, name)(max_iter=1000)
    if name == "MLPClassifier":
        model.set_params(hidden_layer_sizes=(3,), solver="lbfgs")
    grid = {f"{name.lower()}__{parameter}": [0.1, 1.0]}
    search = GridSearchCV(make_pipeline(StandardScaler(), model), grid, cv=2).fit(X2, y2)
    assert search.best_params_.keys() == grid.keys()
    named = Pipeline([("scale", StandardScaler()), ("clf", model)]).set_params(**{f"clf__{parameter}": 0.5})
    assert getattr(named.fit(X2, y2)["clf"], parameter) == 0.5


@pytest.mark.parametrize("name", ["LogisticRegression", "LogisticRegressionCV", "MLPClassifier"])
def test_signatures_are_those_of_the_installed_version(name):
    module = sklearn.neural_network if name == "MLPClassifier" else sklearn.linear_model
    ours, theirs = getattr(skmaxent.dropin, name), getattr(module, name)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.signature(ours.fit) == inspect.signature(theirs.fit)
    assert ours().get_params() == theirs().get_params()

"""Promises that estimators make, each for every variant of the registry that makes it."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from variants import VARIANTS

# Few epochs do not converge, and the tightest tolerances end at the limit of precision.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PROMISES = []


def promise(name):
    """A test for each variant that makes the promise."""
    PROMISES.append(name)
    made = [variant for variant, what in VARIANTS.items() if name not in what.breaks]
    return pytest.mark.parametrize("name", made)


def take(X, rows):
    return [X[i] for i in rows] if isinstance(X, list) else X[rows]


def fit(variant, X, y, weights=None, extra=None, **parameters):
    model = variant.make().set_params(**parameters)
    return model.fit(X, y, sample_weight=weights, **(extra or {}))


def answers(model, X, extra):
    """Probabilities of all rows, or of all tokens."""
    proba = model.predict_proba(X, **extra)
    return np.concatenate([*proba]) if proba.dtype == object else proba


def parameters_of(model):
    """All fitted weights, one after another."""
    if hasattr(model, "weights_"):
        return np.concatenate([w.ravel() for w in model.weights_.values()])
    if hasattr(model, "coefs_"):
        return np.concatenate([w.ravel() for w in (*model.coefs_, *model.intercepts_)])
    coef = model.coef_
    return np.ravel(coef.toarray() if sparse.issparse(coef) else coef)


def frozen(model):
    """Every attribute as bytes."""
    return {key: pickle.dumps(value) for key, value in vars(model).items()}


@promise("repeats")
def test_a_row_of_weight_k_is_k_rows(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    rows = np.repeat(np.arange(len(y)), weights)
    again = {}
    if extra:  # every repeat of a group is a group of its own
        copy_number = np.arange(len(rows)) - np.repeat(np.cumsum(weights) - weights, weights)
        again = {"groups": extra["groups"][rows] * 10 + copy_number}
    weighted = fit(variant, X, y, weights, extra)
    repeated = fit(variant, take(X, rows), y[rows], None, again)
    assert_allclose(answers(weighted, X, extra), answers(repeated, X, extra), atol=variant.closeness)


@promise("absent rows")
def test_a_row_without_weight_is_absent(name):
    variant = VARIANTS[name]
    X, y, _, extra = variant.data()
    present = np.ones(len(y), int)
    present[6:12] = 0
    rows = np.flatnonzero(present)
    with_them = fit(variant, X, y, present, extra)
    without = fit(variant, take(X, rows), y[rows], None, {key: value[rows] for key, value in extra.items()})
    assert_allclose(answers(with_them, X, extra), answers(without, X, extra), atol=variant.closeness)


@promise("soft labels")
def test_soft_labels_are_weighted_copies(name):
    variant = VARIANTS[name]
    X, y, *_ = variant.data()
    share = np.eye(3)[np.unique(y, return_inverse=True)[1]] * 0.75
    share[:, 0] += 0.25
    rows, classes = np.nonzero(share)
    copies = fit(variant, take(X, rows), classes, share[rows, classes])
    assert_allclose(answers(fit(variant, X, share), X, {}), answers(copies, X, {}), atol=variant.closeness)


@promise("row order")
def test_the_order_of_the_rows_does_not_matter(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    order = np.random.default_rng(1).permutation(len(y))
    mixed = {key: value[order] for key, value in extra.items()}
    shuffled = fit(variant, take(X, order), y[order], weights[order], mixed)
    expected = answers(fit(variant, X, y, weights, extra), X, extra)
    assert_allclose(answers(shuffled, X, extra), expected, atol=variant.closeness)


@promise("label names")
def test_the_names_of_the_labels_do_not_matter(name):
    variant = VARIANTS[name]
    X, y, weights, _ = variant.data()
    expected = answers(fit(variant, X, y, weights), X, {})
    for names in (["a", "b", "c"], [-1, 0, 7], [False, True, 2], np.array(["u", "v", "w"], dtype=object)):
        labels = np.array(names)[y]
        model = fit(variant, X, labels, weights)
        assert model.classes_.tolist() == sorted(names)
        assert_allclose(answers(model, X, {}), expected, atol=variant.closeness)
        assert set(model.predict(X)) <= set(names)


@promise("threads")
def test_the_bits_do_not_depend_on_the_number_of_threads(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    one, two = (parameters_of(fit(variant, X, y, weights, extra, n_jobs=n_jobs)) for n_jobs in (1, 2))
    assert_array_equal(one, two)


@promise("containers")
def test_every_container_gives_the_same_model(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    expected = answers(fit(variant, X, y, weights, extra), X, extra)
    dense = X.toarray()
    for given in (
        sparse.csc_array(X),
        sparse.csr_matrix(X),
        sparse.coo_array(X),
        dense,
        np.asfortranarray(dense),
        dense.tolist(),
    ):
        model = fit(variant, given, y, weights, extra)
        assert_allclose(answers(model, given, extra), expected, atol=variant.closeness)


@promise("input left alone")
def test_the_input_is_not_changed_and_may_be_read_only(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    before = copy.deepcopy((X, y, weights))
    parts = () if isinstance(X, list) else (X.data, X.indices, X.indptr)
    for part in (*parts, y, weights):
        part.flags.writeable = False
    fit(variant, X, y, weights, extra)
    assert_array_equal(y, before[1])
    assert_array_equal(weights, before[2])
    assert before[0] == X if isinstance(X, list) else (before[0] != X).nnz == 0


@promise("single precision")
def test_single_precision_data_give_single_precision_answers_near_by(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    single = X.astype(np.float32)
    model = fit(variant, single, y, weights, extra, tol=1e-6)
    assert parameters_of(model).dtype == np.float32
    expected = answers(fit(variant, X, y, weights, extra, tol=1e-6), X, extra)
    assert_allclose(answers(model, single, extra), expected, atol=5e-3)


@promise("warm start")
def test_a_warm_start_ends_at_the_same_optimum(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    expected = answers(fit(variant, X, y, weights, extra), X, extra)
    model = fit(variant, X, y, weights, extra, C=0.01, warm_start=True)
    model.set_params(C=variant.make().C).fit(X, y, sample_weight=weights, **extra)
    assert_allclose(answers(model, X, extra), expected, atol=variant.closeness)


@promise("broken fit")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_broken_fit_leaves_the_old_model_whole(name, error, monkeypatch):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    model = fit(variant, X, y, weights, extra)
    before = frozen(model)

    def broken(*args, **kwargs):
        raise error

    for place in ("skmaxent.convex.fit.prepare", "skmaxent.nn.training.session.Session.evaluate"):
        monkeypatch.setattr(place, broken)
    for place in ("network_fit", "recurrent_fit"):
        monkeypatch.setattr(f"skmaxent.estimators.common.{place}.Session", broken)
    with pytest.raises(error):
        model.fit(X, y, **extra)
    assert frozen(model) == before


@promise("refused data")
def test_refused_data_leave_the_old_model_whole(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    model = fit(variant, X, y, weights, extra)
    before = frozen(model)
    bad = [] if isinstance(X, list) else np.full((len(y), X.shape[1]), np.nan)
    for given in ((bad, y), (X, y[:-1])):
        with pytest.raises(ValueError):
            model.fit(*given, **extra)
        assert frozen(model) == before


@promise("plain state")
def test_the_state_is_plain_and_init_sets_parameters_alone(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    model = variant.make()
    assert vars(model).keys() == model.get_params(deep=False).keys()
    model.fit(X, y, sample_weight=weights, **extra)
    plain = (dict, list, tuple, str, bytes, int, float, bool, type(None), np.ndarray, np.generic)

    def check(value):
        assert isinstance(value, plain) or sparse.issparse(value), type(value)
        if isinstance(value, dict):
            value = [*value.keys(), *value.values()]
        if isinstance(value, list | tuple):
            for part in value:
                check(part)

    for key in vars(model).keys() - model.get_params(deep=False).keys():
        check(vars(model)[key])


@promise("round trips")
def test_pickles_copies_and_clones(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    model = fit(variant, X, y, weights, extra)
    expected = answers(model, X, extra)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_array_equal(answers(twin, X, extra), expected)
    twin = clone(model)
    assert vars(twin).keys() == twin.get_params(deep=False).keys()
    assert_array_equal(answers(twin.fit(X, y, sample_weight=weights, **extra), X, extra), expected)


@promise("same again")
def test_a_second_fit_has_the_bits_of_the_first(name):
    variant = VARIANTS[name]
    X, y, weights, extra = variant.data()
    model = fit(variant, X, y, weights, extra)
    first = parameters_of(model).copy()
    model.fit(X, y, sample_weight=weights, **extra)
    assert_array_equal(parameters_of(model), first)


def test_what_a_variant_breaks_is_a_promise_with_a_reason():
    for name, variant in VARIANTS.items():
        assert variant.breaks.keys() <= set(PROMISES), name
        assert all(len(reason) > 10 for reason in variant.breaks.values())

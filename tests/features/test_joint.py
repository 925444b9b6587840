"""Joint features f(c, d): the maximum-entropy constraints and equivalence with plain features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_examples import (
    CLASSES,
    FUNCTIONS,
    accented_latin,
    dict_data,
    ends_in_c,
    in_capitalised,
    length,
    names_data,
)
from sklearn.feature_extraction import DictVectorizer

from skmaxent import Joined, JointFeatures, MaxEntClassifier
from skmaxent.convex.solvers import SOLVERS
from skmaxent.features.joint import column_names


def test_worked_example():
    features = JointFeatures([in_capitalised, accented_latin, ends_in_c])
    model = MaxEntClassifier.from_weights(features=features, classes=CLASSES, coef=[1.8, -0.6, 0.3])
    np.testing.assert_allclose(model.predict_proba([("in", "Québec")]), [[0.586, 0.238, 0.176]], atol=5e-4)
    assert model.predict([("in", "Québec")]).tolist() == ["LOCATION"]
    assert model.classes_.tolist() == CLASSES
    np.testing.assert_allclose(
        model.decision_function([("in", "Québec"), ("take", "Zantac")]), [[1.2, 0.3, 0], [0, 0.3, 0]]
    )


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("bias", [False, True])
def test_expected_counts_equal_observed_counts_without_a_prior(solver, bias):
    data, y = names_data()
    weights = np.random.default_rng(1).random(len(data))
    model = MaxEntClassifier(features=JointFeatures(FUNCTIONS, bias=bias), C=np.inf, solver=solver, tol=1e-9)
    model.fit(data, y, weights)
    assert model.convergence_["stop_reason"] == "converged"
    observed = model.observed_counts(data, y, weights)
    assert model.coef_.shape == observed.shape == (len(FUNCTIONS) + 3 * bias,)
    np.testing.assert_allclose(model.expected_counts(data, weights), observed, rtol=1e-6, atol=1e-9)
    by_hand = sum(m * f(c, d) for f in FUNCTIONS[:1] for m, d, c in zip(weights, data, y))
    np.testing.assert_allclose(observed[0], by_hand)


@pytest.mark.parametrize("C", [0.1, 10.0])
@pytest.mark.parametrize("solver", SOLVERS)
def test_with_a_prior_the_counts_differ_by_the_weights(solver, C):
    data, y = names_data()
    model = MaxEntClassifier(features=JointFeatures(FUNCTIONS), C=C, solver=solver, tol=1e-12).fit(data, y)
    assert model.convergence_["relative_gap"] <= 1e-12
    np.testing.assert_allclose(
        model.observed_counts(data, y) - model.expected_counts(data), model.coef_ / C, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_templates_joined_with_every_class_are_plain_features(n_classes):
    data, y = dict_data(n_classes=n_classes)
    joint = MaxEntClassifier(features=JointFeatures([Joined(k) for k in "abc"]), C=2.0, tol=1e-14)
    vectorizer = DictVectorizer()
    X = vectorizer.fit_transform(data)
    # With two classes a plain model has one vector, the difference of the two of a joint model,
    # which has half of its square: half of the penalty.
    plain = MaxEntClassifier(C=2.0 if n_classes > 2 else 4.0, fit_intercept=False, tol=1e-14)
    joint.fit(data, y)
    plain.fit(X, y)
    np.testing.assert_allclose(joint.predict_proba(data), plain.predict_proba(X), atol=1e-8)
    assert joint.decision_function(data).shape == plain.decision_function(X).shape
    np.testing.assert_array_equal(joint.predict(data), plain.predict(X))
    weights = dict(zip(joint.joint_feature_names_, joint.coef_))
    if n_classes == 2:
        difference = weights["b=v2, c=bee"] - weights["b=v2, c=ant"]
        np.testing.assert_allclose(difference, plain.coef_[0, vectorizer.vocabulary_["b=v2"]], atol=1e-6)
    else:
        np.testing.assert_allclose(
            weights["b=v2, c=cat"], plain.coef_[2, vectorizer.vocabulary_["b=v2"]], atol=1e-6
        )


def test_bias_is_an_intercept_where_neither_is_penalised():
    data, y = dict_data(n=400)
    joint = MaxEntClassifier(features=JointFeatures([Joined("a")], bias=True), C=np.inf, tol=1e-10).fit(
        data, y
    )
    X = DictVectorizer().fit_transform([{"a": d["a"]} for d in data])
    plain = MaxEntClassifier(C=np.inf, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(joint.predict_proba(data), plain.predict_proba(X), atol=1e-7)


def test_functions_and_templates_give_the_same_design():
    data, y = names_data()
    as_functions = JointFeatures([in_capitalised, ends_in_c, length])
    as_templates = JointFeatures(
        [
            Joined((0, "capital"), pairs=[("0=in & capital=True", "LOCATION")]),
            Joined("end", pairs=[("end=c", "DRUG")]),
            Joined("length", classes=["PERSON"]),
        ]
    )
    dicts = [{0: p, "capital": str(w[:1].isupper()), "end": w[-1], "length": len(w) / 10} for p, w in data]
    first = MaxEntClassifier(features=as_functions, tol=1e-12).fit(data, y)
    second = MaxEntClassifier(features=as_templates, tol=1e-12).fit(dicts, y)
    assert second.joint_feature_names_.tolist() == [
        "0=in & capital=True, c=LOCATION",
        "end=c, c=DRUG",
        "length, c=PERSON",
    ]
    np.testing.assert_allclose(first.coef_, second.coef_, rtol=1e-10)
    np.testing.assert_allclose(first.predict_proba(data), second.predict_proba(dicts), rtol=1e-10)


def words_of(d):
    return d["text"].split()


def test_what_predicates_can_give():
    data = [
        {"text": "b a a", "n": 2.5, "flag": True, "map": {"x": 2, "y": 0}},
        {"text": "c", "n": 0, "flag": False, "map": {}, "rare": "r"},
        {"text": "", "n": np.float32(1), "flag": np.bool_(True), "map": {"y": 3}, "rare": None},
    ]
    features = JointFeatures([Joined(words_of), Joined("n"), Joined("flag"), Joined("map"), Joined("rare")])
    table, design = features.fit_design(data, ["A", "B"], np.eye(2)[[0, 1, 0]])
    columns = dict(zip(column_names(table, ["A", "B"]), design.toarray().T))
    assert columns["words_of=a, c=A"].tolist() == [1, 0, 0, 0, 0, 0]
    assert columns["words_of=a, c=B"].tolist() == [0, 1, 0, 0, 0, 0]
    assert columns["words_of=c, c=B"].tolist() == [0, 0, 0, 1, 0, 0]
    assert columns["n, c=A"].tolist() == [2.5, 0, 0, 0, 1, 0]
    assert columns["flag, c=B"].tolist() == [0, 1, 0, 0, 0, 1]
    assert columns["map=x, c=A"].tolist() == [2, 0, 0, 0, 0, 0]
    assert columns["map=y, c=A"].tolist() == [0, 0, 0, 0, 3, 0]
    assert columns["rare=r, c=A"].tolist() == [0, 0, 1, 0, 0, 0]
    assert len(columns) == 2 * 8


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 3))
def test_fast_and_slow_reading_of_keys_agree(seed, min_count):
    """Data that are all dicts of str are read column by column, others datum by datum."""
    data, y = dict_data(n=30, seed=seed)
    codes = np.unique(y, return_inverse=True)[1]
    present = np.eye(codes.max() + 1)[codes]

    class Mapping(dict):
        """Not a dict itself."""

    templates = [Joined("a", min_count=min_count), Joined(("a", "b"), min_count=min_count)]
    features = JointFeatures(templates, bias=True)
    data[0].pop("b")
    data[1]["a"] = None
    table, design = features.fit_design(data, np.unique(y), present)
    again, slow = features.fit_design([Mapping(d) for d in data], np.unique(y), present)
    mixed, third = features.fit_design([*data, {"a": 3}], np.unique(y), np.vstack([present, 0 * present[:1]]))
    names = column_names(table, np.unique(y)).tolist()
    assert names == column_names(again, np.unique(y)).tolist()
    assert (design != slow).nnz == 0
    if min_count:  # the datum that has no label adds no feature
        assert column_names(mixed, np.unique(y)).tolist() == names
        assert (third[: design.shape[0]] != design).nnz == 0


@pytest.mark.parametrize("min_count", [1, 2, 5])
def test_count_cutoffs(min_count):
    data, y = dict_data(n=60)
    model = MaxEntClassifier(features=JointFeatures([Joined("a", min_count=min_count)])).fit(data, y)
    pairs = [f"a={d['a']}, c={c}" for d, c in zip(data, y)]
    assert sorted(model.joint_feature_names_) == sorted(
        {pair for pair in pairs if pairs.count(pair) >= min_count}
    )


def test_values_that_training_did_not_see_say_nothing():
    data, y = dict_data()
    model = MaxEntClassifier(features=JointFeatures([Joined("a"), Joined(("a", "b"))])).fit(data, y)
    np.testing.assert_allclose(model.predict_proba([{"a": "new", "b": "v1"}, {}]), np.full((2, 3), 1 / 3))


def test_weights_are_repeats_and_identical_data_merge():
    data, y = names_data(60)
    counts = np.random.default_rng(0).integers(0, 4, len(data))
    features = JointFeatures(FUNCTIONS)
    weighted = MaxEntClassifier(features=features, tol=1e-12).fit(data, y, counts)
    repeated = MaxEntClassifier(features=features, tol=1e-12).fit(
        [d for d, m in zip(data, counts) for _ in range(m)], np.repeat(y, counts)
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)
    removed = weighted.convergence_["presolve"]["rows_merged"]
    distinct = {tuple(f(c, d) for f in FUNCTIONS for c in CLASSES) for d, m in zip(data, counts) if m}
    assert removed == np.count_nonzero(counts) - len(distinct)


def test_soft_labels_and_class_weight():
    data, y = names_data(80)
    features = JointFeatures(FUNCTIONS)
    codes = np.unique(y, return_inverse=True)[1]
    hard = MaxEntClassifier(features=JointFeatures([Joined(0), Joined(1)]), tol=1e-12).fit(data, y)
    soft = MaxEntClassifier(features=JointFeatures([Joined(0), Joined(1)]), tol=1e-12).fit(
        data, np.eye(3)[codes]
    )
    np.testing.assert_allclose(hard.predict_proba(data), soft.predict_proba(data), rtol=1e-9)
    weighted = MaxEntClassifier(features=features, class_weight={"DRUG": 3.0}, tol=1e-12).fit(data, y)
    by_rows = MaxEntClassifier(features=features, tol=1e-12).fit(
        data, y, np.where(np.array(y) == "DRUG", 3, 1)
    )
    np.testing.assert_allclose(weighted.coef_, by_rows.coef_, rtol=1e-9)


def test_probabilities_are_consistent():
    data, y = names_data()
    for labels in (y, ["yes" if c == "DRUG" else "no" for c in y]):
        model = MaxEntClassifier(features=JointFeatures([*FUNCTIONS, Joined(0)], bias=True)).fit(data, labels)
        proba = model.predict_proba(data)
        np.testing.assert_allclose(proba.sum(axis=1), 1)
        np.testing.assert_allclose(np.exp(model.predict_log_proba(data)), proba)
        np.testing.assert_array_equal(model.predict(data), model.classes_[proba.argmax(axis=1)])


def test_nltk_agrees_where_it_converges():
    """NLTK's GIS on feature dicts: one feature for each pair of (name, value) and label that occurs."""
    maxent = pytest.importorskip("nltk.classify.maxent", reason="NLTK is not installed")
    rng = np.random.default_rng(0)
    data, y = [], []
    for _ in range(300):
        d = {key: bool(rng.integers(2)) for key in "abc"}
        data.append({key: str(value) for key, value in d.items()})
        y.append(["x", "y", "z"][(d["a"] + d["b"]) if rng.random() < 0.5 else rng.integers(3)])
    theirs = maxent.MaxentClassifier.train(list(zip(data, y)), algorithm="gis", trace=0, max_iter=300)
    ours = MaxEntClassifier(
        features=JointFeatures([Joined(key, min_count=1) for key in "abc"]), C=np.inf, tol=1e-8
    ).fit(data, y)
    expected = [[theirs.prob_classify(d).prob(c) for c in ours.classes_] for d in data]
    np.testing.assert_allclose(ours.predict_proba(data), expected, atol=1e-3)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_laplace_prior(l1_ratio):
    data, y = names_data()
    features = JointFeatures([*FUNCTIONS, Joined(0), Joined((0, 1))], bias=True)
    model = MaxEntClassifier(features=features, C=0.3, l1_ratio=l1_ratio, tol=1e-11).fit(data, y)
    pull = model.observed_counts(data, y) - model.expected_counts(data)
    kept = model.coef_ != 0
    assert 0 < kept.sum() < len(kept) and model.convergence_["relative_gap"] <= 1e-11
    assert (np.abs(pull[~kept]) <= l1_ratio / 0.3 + 1e-6).all()
    expected = (l1_ratio * np.sign(model.coef_) + (1 - l1_ratio) * model.coef_) / 0.3
    np.testing.assert_allclose(pull[kept], expected[kept], atol=1e-4)
    multipliers = np.ones(len(kept))
    multipliers[:2] = np.inf
    without = MaxEntClassifier(features=features, C=0.3, penalty_weights=multipliers).fit(data, y)
    assert not without.coef_[:2].any() and without.coef_[2:].any()

"""RecurrentClassifier and RecurrentTagger: forms of X, predictions, training, restarts, attributes."""

import io
import pickle
from contextlib import redirect_stdout

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sequences import sentences
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

from skmaxent import RecurrentClassifier, RecurrentTagger
from skmaxent.compat import HAS_CALLBACKS
from skmaxent.estimators.common import vocabulary

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {
    "embedding_size": 6,
    "random_state": 0,
    "max_iter": 4,
    "learning_rate_init": 0.02,
    "dtype": "float64",
}


def classifier(**options):
    return RecurrentClassifier((5,), **{**SMALL, **options})


def tagger(**options):
    return RecurrentTagger((5,), **{**SMALL, **options})


def weights_of(model):
    return np.concatenate([w.ravel() for w in model.weights_.values()])


def flat(parts):
    return np.concatenate([*parts])


# ---- what they learn


def test_a_classifier_learns_and_its_predictions_belong_together():
    X, y, _ = sentences(60)
    names = np.array(["none", "one", "two"])
    model = classifier(max_iter=100, dropout=0.1, n_iter_no_change=100).fit(X, names[y])
    assert model.score(X, names[y]) > 0.95 and is_classifier(model)
    proba, log_proba = model.predict_proba(X), model.predict_log_proba(X)
    assert_allclose(proba.sum(axis=1), 1)
    assert_allclose(np.exp(log_proba), proba)
    assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))
    assert_array_equal(model.class_count_, np.bincount(y))


def test_a_tagger_learns_words_and_what_only_their_endings_tell():
    X, _, y = sentences(60)
    model = tagger(max_iter=60, n_iter_no_change=60).fit(X, y)
    assert model.score(X, y) > 0.98 and not is_classifier(model)
    assert model.predict([["the", "2024", "dogging"]])[0][:2] == ["DET", "NUM"]  # neither is known
    predicted = model.predict(X[:5])
    assert predicted.shape == (5,) and predicted.dtype == object
    assert [type(tags) for tags in predicted] == [list] * 5
    proba, log_proba = model.predict_proba(X[:5]), model.predict_log_proba(X[:5])
    for tags, p, log_p in zip(predicted, proba, log_proba):
        assert p.shape == (len(tags), 5)
        assert_allclose(p.sum(axis=1), 1)
        assert_allclose(np.exp(log_p), p)
        assert model.classes_[p.argmax(axis=1)].tolist() == tags


def test_a_score_weighs_tokens():
    X, _, y = sentences(20)
    model = tagger().fit(X, y)
    guesses = model.predict(X)
    right = np.array([np.sum(np.array(a) == np.array(b)) for a, b in zip(y, guesses)])
    lengths, weights = np.array([len(x) for x in X]), np.arange(20)
    assert model.score(X, y) == right.sum() / lengths.sum()
    assert_allclose(model.score(X, y, weights), weights @ right / (weights @ lengths))
    assert np.isnan(model.score([[], []], [[], []]))


def test_time_series_in_every_form():
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(n, 2)) for n in rng.integers(3, 9, 80)]
    y = np.array([int(s[:, 0].mean() > s[:, 1].mean()) for s in series])
    model = classifier(max_iter=60, dropout=0.0, pooling="mean").fit(series, y)
    assert model.score(series, y) > 0.9
    assert model.vocabulary_ is None and not hasattr(model, "embeddings_")
    as_lists = [s.tolist() for s in series]
    assert_allclose(model.predict_proba(as_lists[:7]), model.predict_proba(series[:7]), atol=1e-13)
    cut = np.stack([s[:3] for s in series])
    assert_allclose(model.predict_proba(cut), model.predict_proba([*cut]), atol=1e-13)
    tags = [(s[:, 0] > 0).astype(int) for s in series]
    assert tagger(max_iter=60, dropout=0.0).fit(series, tags).score(series, tags) > 0.9


def test_rows_of_scalars_are_series_of_one_number():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    y = (X[:, 3] > 0).astype(int)
    model = classifier().fit(X, y)
    assert model.n_features_in_ == 4
    expected = model.predict_proba(X)
    listed = classifier().fit([row[:, None] for row in X], y)
    assert not hasattr(listed, "n_features_in_")
    assert_allclose(listed.predict_proba([*X]), expected, atol=1e-12)
    assert_allclose(classifier().fit(X.tolist(), y).predict_proba(X.tolist()), expected, atol=1e-12)
    assert model.fit([["a"], ["b"]], [0, 1]).vocabulary_ is not None
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_processed_in_their_own_precision_and_tokens_in_that_of_dtype(dtype):
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    y = np.arange(20) % 2
    assert classifier().fit(X, y).predict_proba(X).dtype == dtype
    assert classifier().fit([*X[:, :, None]], y).weights_["affine.weights"].dtype == dtype
    words, labels, _ = sentences()
    model = classifier(dtype=np.dtype(dtype).name).fit(words, labels)
    assert model.predict_proba(words).dtype == dtype == model.embeddings_.dtype


def test_containers_of_tokens():
    X, y, _ = sentences()
    expected = classifier().fit(X, y).predict_proba(X)
    array = np.empty(len(X), dtype=object)
    array[:] = X
    given = [array, tuple(map(tuple, X)), [np.array(x) for x in X], [np.array(x, dtype=object) for x in X]]
    pandas = pytest.importorskip("pandas")
    for container in (*given, pandas.Series(X, index=range(5, 5 + len(X)))):
        assert_array_equal(classifier().fit(container, y).predict_proba(container), expected)
    square = np.array([["a", "b"], ["c", "a"], ["b", "b"]])
    for rows in (square, square.astype(object)):
        model = classifier(min_count=1).fit(rows, [0, 1, 1])
        assert_array_equal(model.predict_proba(rows), model.predict_proba(square.tolist()))


def test_tokens_of_any_hashable_kind():
    X = [[1, (2, "x")], [frozenset([3]), None, 1], [b"bytes", 1]] * 2
    model = classifier(min_count=1).fit(X, [0, 1, 0] * 2)
    assert set(model.vocabulary_) == {1, (2, "x"), frozenset([3]), None, b"bytes"}
    assert model.predict(X).shape == (6,)
    assert (
        len(classifier(min_count=1).fit([[1, 2], [3]], [0, 1]).vocabulary_) == 3
    )  # whole numbers are tokens


# ---- features and unknown tokens


def test_features_of_a_word():
    assert vocabulary.with_affixes("McDonald9") == [
        ("word", "McDonald9"), ("lower", "mcdonald9"), ("shape", "XxXxd"),
        ("prefix", "m"), ("prefix", "mc"), ("prefix", "mcd"),
        ("suffix", "9"), ("suffix", "d9"), ("suffix", "ld9"), ("suffix", "ald9"),
    ]  # fmt: skip
    assert vocabulary.with_affixes(7) == [7] == vocabulary.word_alone(7)


def test_rare_features_are_unknown_and_rows_are_numbered_from_one():
    X, y = [["a", "b"], ["a", "c"]], [0, 1]
    model = classifier(features="word", min_count=2).fit(X, y)
    assert model.vocabulary_ == {"a": 1} and model.embeddings_.shape == (2, 6)
    assert classifier(features="word", min_count=2).fit(X, y, [1, 2]).vocabulary_.keys() == {"a", "c"}
    p = model.predict_proba([["b"], ["c"], ["never seen"]])
    assert_array_equal(p[0], p[1])
    assert_array_equal(p[0], p[2])


def test_an_unknown_word_is_what_is_known_of_it():
    X, y, _ = sentences(40)
    model = classifier().fit(X, y)
    known = {feature for feature in model.vocabulary_ if feature[0] == "suffix"}
    assert ("suffix", "ing") in known
    strange, other = model.predict_proba([["unheardofing"], ["zzzzz"]])
    assert (strange != other).any()


def test_features_of_ones_own():
    X, y, _ = sentences()
    model = classifier(features=len_and_end, min_count=1).fit(X, y)
    assert set(model.vocabulary_) == {len(w) for x in X for w in x} | {w[-1] for x in X for w in x}
    with pytest.raises(ValueError, match="must return a list of features of a token"):
        classifier(features=str.lower).fit(X, y)


def len_and_end(token):
    return [len(token), token[-1], len(token)]


def test_the_unknown_row_is_trained():
    X, _, y = sentences(40)
    trained = tagger(max_iter=1).fit(X, y).embeddings_[0]
    longer = tagger(max_iter=3).fit(X, y).embeddings_[0]
    assert (trained != longer).all()


# ---- empty sequences


def test_an_empty_sequence_has_the_prior_and_no_tags():
    X, y, tags = sentences()
    gaps = [[], *X, []]
    model = classifier().fit(gaps, [0, *y, 1])
    shares = np.bincount([0, *y, 1]) / (len(y) + 2)
    proba = model.predict_proba([[], X[0], []])
    assert_allclose(proba[[0, 2]], [shares, shares])
    assert_array_equal(proba[1], model.predict_proba([X[0]])[0])
    assert_allclose(model.predict_proba([[]]), [shares])
    tagged = tagger().fit(gaps, [[], *tags, []])
    assert tagged.predict(gaps)[0] == [] == tagged.predict([[]])[0]
    assert tagged.predict_proba(gaps)[0].shape == (0, 5)
    assert tagged.hidden_states([[], ["a"]])[0].shape == (0, 10)
    assert_array_equal(weights_of(tagged), weights_of(tagger().fit(X, tags)))


# ---- neighbours, order, batches


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_neighbours_and_order_change_no_prediction(cell, pooling):
    X, y, tags = sentences(40, longest=30)
    model = classifier(cell=cell, pooling=pooling, max_iter=2).fit(X, y)
    expected = model.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert_allclose(model.predict_proba([X[i] for i in order]), expected[order], rtol=0, atol=1e-12)
    alone = np.concatenate([model.predict_proba([x]) for x in X])
    assert_allclose(alone, expected, rtol=0, atol=1e-12)
    with_long = model.predict_proba([*X[:3], ["the"] * 500])
    assert_allclose(with_long[:3], expected[:3], rtol=0, atol=1e-12)
    if pooling == "last":
        tagged = tagger(cell=cell, max_iter=2).fit(X, tags)
        together = tagged.predict_proba(X)
        for i in (0, 17):
            (single,) = tagged.predict_proba([X[i]])
            assert_allclose(single, together[i], rtol=0, atol=1e-12)


def test_hidden_states_of_each_layer():
    X, y, _ = sentences()
    model = RecurrentClassifier((4, 3), pooling="max", **SMALL).fit(X, y)
    first, second = model.hidden_states(X, 0), model.hidden_states(X)
    assert [h.shape for h in first] == [(len(x), 8) for x in X]
    assert [h.shape for h in second] == [(len(x), 6) for x in X]
    pooled = np.array([h.max(axis=0) for h in second])
    scores = pooled @ model.weights_["affine.weights"] + model.weights_["affine.biases"]
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    assert_allclose(model.predict_proba(X), expected / expected.sum(axis=1, keepdims=True), atol=1e-12)
    for layer in (2, -3):
        with pytest.raises(IndexError, match=f"layer={layer}: the network has 2 layers"):
            model.hidden_states(X, layer)


# ---- training that goes on


@pytest.mark.parametrize("make", [classifier, tagger])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_warm_start_is_one_longer_fit(make, solver):
    X, labels, tags = sentences(40)
    y = labels if make is classifier else tags
    whole = make(solver=solver, max_iter=4, batch_size=8, warm_start=True).fit(X, y)
    parts = make(solver=solver, max_iter=2, batch_size=8, warm_start=True).fit(X, y)
    assert parts.n_iter_ == 2
    parts = pickle.loads(pickle.dumps(parts)).fit(X, y)
    assert_array_equal(weights_of(parts), weights_of(whole))
    assert parts.loss_curve_ == whole.loss_curve_ and parts.t_ == whole.t_ == 160
    with pytest.raises(ValueError, match="cannot change between"):
        parts.set_params(hidden_layer_sizes=(7,)).fit(X, y)


def test_partial_fit_goes_on_with_the_features_of_the_first_call():
    X, _, y = sentences(40)
    model = tagger(batch_size=8)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    tags = sorted({tag for part in y for tag in part})
    model.partial_fit(X[:20], y[:20], classes=[*tags, "NEVER"])
    vocabulary_ = model.vocabulary_
    model.partial_fit([*X[20:], ["entirely", "new"]], [*y[20:], ["NOUN", "NOUN"]])
    assert model.vocabulary_ is vocabulary_ and model.classes_.size == 6
    assert model.t_ == 41 and model.n_iter_ == 1 and len(model.loss_curve_) == 2
    counts = dict(zip(model.classes_.tolist(), model.class_count_))
    assert counts["NEVER"] == 0 and sum(counts.values()) == sum(map(len, X)) + 2
    with pytest.raises(ValueError, match=r"y\[0\]\[1\] is 'ODD', which is none of the classes"):
        model.partial_fit([["a", "b"]], [["NOUN", "ODD"]])
    assert not hasattr(tagger(early_stopping=True), "partial_fit")
    with pytest.raises(ValueError, match="class_weight='balanced' needs all examples"):
        tagger(class_weight="balanced").partial_fit(X, y, tags)


def test_one_seed_gives_the_same_bits_on_one_thread_and_on_two(monkeypatch):
    monkeypatch.setattr("skmaxent.nn.recurrent.THREAD_WORK", 1)
    X, y, _ = sentences(40)
    options = {"batch_size": 8, "dtype": "float32"}
    one, two, again = (classifier(n_jobs=n, **options).fit(X, y) for n in (1, 2, 2))
    assert_array_equal(weights_of(one), weights_of(two))
    assert_array_equal(weights_of(again), weights_of(two))
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    other = classifier(random_state=1, **options).fit(X, y)
    assert (weights_of(other) != weights_of(one)).any()


# ---- validation


@pytest.mark.parametrize("make", [classifier, tagger])
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_early_stopping_restores_the_best_weights(make, scoring):
    X, labels, tags = sentences(60)
    y = labels if make is classifier else tags
    options = {"max_iter": 30, "n_iter_no_change": 3, "early_stopping": True, "scoring": scoring}
    model = make(learning_rate_init=0.3, **options).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    scores = model.validation_scores_
    assert model.best_validation_score_ == max(scores) and model.best_loss_ is None
    assert len(scores) == model.n_iter_ < 30
    if scoring is None:
        assert_allclose(model.score(X[40:], y[40:]), max(scores))
    else:
        assert_allclose(scores, [-loss for loss in model.validation_loss_curve_])
        p = flat(model.predict_proba(X[40:])) if make is tagger else model.predict_proba(X[40:])
        truth = flat(y[40:]) if make is tagger else y[40:]
        nll = -np.log(p[np.arange(len(p)), np.searchsorted(model.classes_, truth)]).mean()
        assert_allclose(nll, -max(scores), rtol=1e-9)


@pytest.mark.parametrize("make", [classifier, tagger])
def test_a_part_of_the_data_is_set_aside(make):
    X, labels, tags = sentences(40)
    y = labels if make is classifier else tags
    model = make(early_stopping=True, validation_fraction=0.25).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    assert 26 <= model.t_ / model.n_iter_ <= 34
    with pytest.raises(ValueError, match="The validation set is too small, with n_samples=1"):
        make(early_stopping=True).fit(X[:1], y[:1])


def test_scorers_see_the_sequences_as_they_were_given():
    X, labels, tags = sentences(30)
    seen = []

    def scorer(model, X, y):
        seen.append((X, y))
        return model.score(X, y)

    model = tagger(scoring=scorer).fit(X[:20], tags[:20], X_val=X[20:], y_val=tags[20:])
    assert seen[0] == (X[20:], [*tags[20:]])
    plain = tagger().fit(X[:20], tags[:20], X_val=X[20:], y_val=tags[20:])
    assert_allclose(model.validation_scores_, plain.validation_scores_)
    f1 = classifier(scoring="f1_macro", early_stopping=True).fit(X, labels)
    assert len(f1.validation_scores_) == f1.n_iter_


# ---- in scikit-learn's tools


def test_taggers_in_cross_validation_and_searches():
    X, _, y = sentences(30)
    scores = cross_val_score(tagger(), X, y, cv=3)
    assert scores.shape == (3,) and np.isfinite(scores).all()
    guesses = cross_val_predict(tagger(), X, y, cv=3)
    assert guesses.shape == (30,) and [len(g) for g in guesses] == [len(x) for x in X]
    search = GridSearchCV(tagger(max_iter=1), {"cell": ["elman", "gru"]}, cv=2).fit(X, y)
    assert search.best_estimator_.cell in ("elman", "gru")


def test_a_scorer_that_flattens_tags():
    metrics = pytest.importorskip("skmaxent.sequences", reason="skmaxent.sequences is not here yet")
    from sklearn.metrics import make_scorer

    X, _, y = sentences(30)
    by_scorer = cross_val_score(tagger(), X, y, cv=3, scoring=make_scorer(metrics.flat_accuracy_score))
    assert_allclose(by_scorer, cross_val_score(tagger(), X, y, cv=3))


def test_classifiers_in_cross_validation():
    X, y, _ = sentences(30)
    assert np.isfinite(cross_val_score(classifier(), X, y, cv=3)).all()
    assert cross_val_predict(clone(classifier()), X, y, cv=3, method="predict_proba").shape == (30, 3)


def test_class_weights_are_weights_of_examples_and_of_tokens():
    X, y, tags = sentences(12)
    factors = {0: 1.0, 1: 3.0, 2: 0.5}
    by_class = classifier(class_weight=factors).fit(X, y)
    by_weight = classifier(min_count=0).fit(X, y, [factors[label] for label in y])
    assert by_class.vocabulary_.keys() <= by_weight.vocabulary_.keys()
    by_class = classifier(class_weight=factors, min_count=0).fit(X, y)
    assert_allclose(weights_of(by_class), weights_of(by_weight), atol=1e-12)
    flat_tags = tagger(class_weight="balanced").fit(X, tags)
    assert (weights_of(flat_tags) != weights_of(tagger().fit(X, tags))).any()


def test_a_line_an_epoch():
    X, y, _ = sentences()
    out = io.StringIO()
    with redirect_stdout(out):
        classifier(verbose=1, max_iter=2).fit(X, y, X_val=X, y_val=y)
    lines = out.getvalue().splitlines()
    assert len(lines) == 2 and lines[0].startswith("Iteration 1, loss = ")
    assert "validation score = " in lines[1] and " tokens/s, " in lines[1]


def test_an_interrupt_keeps_the_epochs_done(monkeypatch):
    from skmaxent.nn.training.trainer import Trainer

    X, y, _ = sentences()
    epoch, count = Trainer.epoch, [0]

    def interrupted(self, *args):
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        return epoch(self, *args)

    expected = weights_of(classifier(max_iter=2).fit(X, y))
    monkeypatch.setattr(Trainer, "epoch", interrupted)
    with pytest.warns(UserWarning, match="Training interrupted by user after 2 epochs"):
        model = classifier(max_iter=9).fit(X, y)
    assert model.n_iter_ == 2
    assert_array_equal(weights_of(model), expected)


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_epochs_that_do_not_suffice_are_a_warning():
    X, y, _ = sentences()
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(4\) reached"):
        classifier().fit(X, y)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="callbacks came with scikit-learn 1.9")
@pytest.mark.parametrize("make", [classifier, tagger])
def test_a_callback_sees_a_model_ready_to_predict_and_can_stop_the_fit(make):
    class Watch:
        seen = ()

        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            if context.parent is not None:
                seen = fitted_estimator.loss_, fitted_estimator.score(X, y), fitted_estimator.n_iter_
                self.seen = (*self.seen, seen)
                return len(self.seen) == 3

    X, labels, tags = sentences(30)
    y = labels if make is classifier else tags
    watch = Watch()
    model = make(max_iter=10, batch_size=8).set_callbacks(watch).fit(X, y)
    assert model.n_iter_ == 3 == len(watch.seen)
    assert [loss for loss, *_ in watch.seen] == model.loss_curve_
    assert watch.seen[-1][1:] == (model.score(X, y), 3)

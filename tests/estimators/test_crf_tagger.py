"""CRFTagger as an estimator: its surface, its state, its peers."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from skmaxent import CRFTagger, TokenFeatures
from skmaxent.compat import HAS_CALLBACKS
from skmaxent.sequences import is_legal


def corpus(n=40, seed=0, longest=7):
    """Sentences of a hidden Markov model with two kinds of spans, and an empty one."""
    rng = np.random.default_rng(seed)
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    follow = np.array(
        [[5, 2, 0, 2, 0], [2, 0, 4, 1, 0], [3, 0, 3, 1, 0], [2, 1, 0, 0, 4], [4, 1, 0, 0, 1]], float
    )
    follow /= follow.sum(axis=1, keepdims=True)
    X, y = [], []
    for _ in range(n):
        tag, sentence, own = 0, [], []
        for _ in range(rng.integers(0, longest + 1)):
            tag = int(rng.choice(5, p=follow[tag]))
            word = f"w{(3 * tag + int(rng.integers(6))) % 11}"
            sentence.append(
                {"word": word, "last": word[-1], "size": 0.5 + tag % 2, "odd": bool(rng.integers(2))}
            )
            own.append(tags[tag])
        X.append(sentence)
        y.append(own)
    return [*X, []], [*y, []]


X, Y = corpus()
EVEN = lambda words, i: {"word": words[i], "even": i % 2 == 0}  # noqa: E731


def test_it_learns_and_tells_what_it_learnt():
    tagger = CRFTagger(C=10, tol=1e-6).fit(X, Y)
    assert tagger.classes_.tolist() == ["B-X", "B-Y", "I-X", "I-Y", "O"]
    assert tagger.coef_.shape == (5, len(tagger.vocabulary_))
    assert tagger.transitions_.shape == (5, 5)
    assert tagger.score(X, Y) > 0.8
    report = tagger.convergence_
    assert report["stop_reason"] == "converged" and report["relative_gap"] <= 1e-6
    assert tagger.n_iter_[0] == report["n_iter"] == len(report["history"]["gap"]) - 1 > 0
    predicted = tagger.predict(X)
    assert predicted.dtype == object and predicted.shape == (len(X),)
    assert [len(tags) for tags in predicted] == [len(tags) for tags in Y]
    assert predicted[-1] == [] and tagger.predict([]).shape == (0,)
    assert tagger.predict_single(X[0]) == predicted[0]


def test_probabilities_are_those_of_all_sequences():
    from chains import enumerate_chain

    tagger = CRFTagger(C=10, tol=1e-6, edge_features=["odd"]).fit(X, Y)
    matrix = tagger._encode(X)[0]
    S, at = matrix @ tagger.coef_.T, 0
    T = np.concatenate([tagger.transitions_[None], tagger.transitions_[None] + tagger.edge_transitions_])
    odd = matrix[:, [tagger.vocabulary_["odd"]]].toarray()[:, 0].astype(int)
    for sentence, proba, tags in zip(X, tagger.predict_proba(X), tagger.predict(X)):
        rows = slice(at, at + len(sentence))
        at += len(sentence)
        if len(sentence) <= 5:
            exact = enumerate_chain(S[rows], T, odd[rows])
            np.testing.assert_allclose(proba, exact["marginals"], atol=1e-10)
            assert tags == tagger.classes_[list(exact["best"])].tolist()
    marginals = tagger.predict_marginals(X[:2])
    assert [len(m) for m in marginals] == [len(x) for x in X[:2]]
    assert set(marginals[0][0]) == set(tagger.classes_) if marginals[0] else True


@pytest.mark.parametrize("transitions, l1_ratio", [("all", 0.0), ("observed", 0.0), ("observed", 0.3)])
def test_the_objective_is_crfsuites(transitions, l1_ratio, tmp_path):
    """The same optimum in the same objective, with c2 = (1 - l1_ratio) / (2 C) and c1 = l1_ratio / C."""
    pycrfsuite = pytest.importorskip("pycrfsuite", reason="python-crfsuite is not installed")
    C, features = 2.0, [[[f"{k}={v}" for k, v in token.items()] for token in x] for x in X if x]
    tags = [t for t in Y if t]
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    options = {"c2": (1 - l1_ratio) / (2 * C), "c1": l1_ratio / C, "epsilon": 1e-9, "delta": 1e-12}
    options |= {"max_iterations": 5_000, "feature.possible_transitions": transitions == "all"}
    trainer.set_params(options)
    for x, t in zip(features, tags):
        trainer.append(x, t)
    trainer.train(str(tmp_path / "model"))
    settings = {"C": C, "l1_ratio": l1_ratio, "transitions": transitions, "tol": 1e-9}
    ours = CRFTagger(**settings).fit(features, tags)
    theirs = trainer.logparser.last_iteration["loss"]
    total = len(tags)
    assert ours.convergence_["objective"] * total == pytest.approx(theirs, rel=1e-5)
    model = pycrfsuite.Tagger()
    model.open(str(tmp_path / "model"))
    for x, mine in zip(features, ours.predict_marginals(features)):
        model.set(x)
        for t, distribution in enumerate(mine):
            for tag, p in distribution.items():
                assert p == pytest.approx(model.marginal(tag, t), abs=2e-3)
    state = model.info().state_features
    largest = sorted(state, key=lambda name: -abs(state[name]))[:20]
    for name in largest:
        assert ours.state_features_[name] == pytest.approx(state[name], abs=5e-3)
    moves = model.info().transitions
    for name in sorted(moves, key=lambda name: -abs(moves[name]))[:5]:
        assert ours.transition_features_[name] == pytest.approx(moves[name], abs=5e-3)


def test_sample_weights_are_repetitions():
    times = np.random.default_rng(0).integers(0, 3, len(X))
    a = CRFTagger(tol=1e-8).fit(X, Y, sample_weight=times)
    chosen = np.repeat(np.arange(len(X)), times)
    b = CRFTagger(tol=1e-8).fit([X[i] for i in chosen], [Y[i] for i in chosen])
    for name, value in b.state_features_.items():
        assert a.state_features_[name] == pytest.approx(value, abs=1e-4)
    np.testing.assert_allclose(a.transitions_, b.transitions_, atol=1e-4)


def test_the_order_of_sentences_does_not_matter():
    order = np.random.default_rng(0).permutation(len(X))
    a = CRFTagger(tol=1e-8).fit(X, Y)
    b = CRFTagger(tol=1e-8).fit([X[i] for i in order], [Y[i] for i in order])
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-4)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    from skmaxent.sequences import chain

    monkeypatch.setattr(chain, "BATCH_ENTRIES", 60)
    a, b = (CRFTagger(n_jobs=n).fit(X, Y) for n in (1, 3))
    assert a.coef_.tobytes() == b.coef_.tobytes() and a.transitions_.tobytes() == b.transitions_.tobytes()
    assert all(p.tobytes() == q.tobytes() for p, q in zip(a.predict_proba(X), b.predict_proba(X)))


def test_sentences_one_by_one_are_tagged_as_together():
    tagger = CRFTagger().fit(X, Y)
    assert [tagger.predict_single(x) for x in X] == list(tagger.predict(X))


@pytest.mark.parametrize("tags", [[0, 1], [True, False], [("a", 1), ("b", 2)], [frozenset("a"), 3]])
def test_tags_of_any_kind(tags):
    y = [[tags[len(t) % 2] for t in own] for own in Y]
    tagger = CRFTagger().fit(X, y)
    assert {tag for own in tagger.predict(X) for tag in own} <= set(tags)
    assert tagger.score(X, y) == np.mean([a == b for p, q in zip(tagger.predict(X), y) for a, b in zip(p, q)])


def test_one_tag_only():
    tagger = CRFTagger().fit(X, [["O"] * len(x) for x in X])
    assert tagger.convergence_["stop_reason"] == "converged"
    assert tagger.predict(X)[0] == ["O"] * len(X[0])
    assert all((p == 1).all() for p in tagger.predict_proba(X))


def test_sentences_of_one_token_and_of_1238():
    long = [{"word": f"w{i % 13}"} for i in range(1_238)]
    tagger = CRFTagger().fit([long, long[:1]], [["A", "B"] * 619, ["A"]])
    assert len(tagger.predict_single(long)) == 1_238
    assert len(CRFTagger().fit([[{"a": 1}], [{"b": 1}]], [["A"], ["B"]]).predict_single([{"a": 1}])) == 1


def test_legal_sequences():
    sloppy = [[tag.replace("B-", "I-") if i % 3 else tag for i, tag in enumerate(own)] for own in Y]
    tagger = CRFTagger().fit(X, sloppy)
    assert not all(is_legal(tags, "IOB2") for tags in tagger.predict(X)), "nothing to enforce"
    tagger.set_params(scheme="IOB2")
    assert all(is_legal(tags, "IOB2") for tags in tagger.predict(X))
    inside = [tag.startswith("I-") for tag in tagger.classes_]
    for proba in tagger.predict_proba(X):
        assert not proba[:1, inside].any()
        np.testing.assert_allclose(proba.sum(axis=1), 1)
    with pytest.raises(ValueError, match="Q"):
        CRFTagger(scheme="IOB2").fit([[{"a": 1}]], [["Q"]])


def test_edge_features_are_joined_with_pairs_of_tags():
    """Whether a tag is kept depends on a mark of the token alone: only an edge feature can tell."""
    rng = np.random.default_rng(0)
    marks = [rng.integers(0, 2, 8) for _ in range(60)]
    sentences = [
        [{"keep": bool(m), "first": i == 0 and int(own[0]) == 0} for i, m in enumerate(own)] for own in marks
    ]
    tags = []
    for own in marks:
        tag, out = int(own[0]), []
        for i, m in enumerate(own):
            tag = tag if m or i == 0 else 1 - tag
            out.append("AB"[tag])
        tags.append(out)
    plain = CRFTagger(C=10).fit(sentences, tags)
    edges = CRFTagger(C=10, edge_features=["keep"]).fit(sentences, tags)
    assert edges.edge_feature_names_ == ["keep"] and edges.edge_transitions_.shape == (1, 2, 2)
    assert plain.score(sentences, tags) < 0.8 < 0.99 < edges.score(sentences, tags)
    values = CRFTagger(edge_features=["word"]).fit(X, Y).edge_feature_names_
    assert values == sorted({f"word={token['word']}" for x in X for token in x})
    with pytest.raises(ValueError, match="no feature of the training data is named 'wrod'"):
        CRFTagger(edge_features=["wrod"]).fit(X, Y)


def test_warm_start_goes_on():
    tagger = CRFTagger(tol=1e-6, warm_start=True).fit(X, Y)
    first = tagger.n_iter_[0]
    tagger.fit(X, Y)
    assert tagger.n_iter_[0] < first
    tagger.fit(X[:5], Y[:5])  # other features: from zero
    assert tagger.convergence_["stop_reason"] == "converged"


def test_a_fit_that_stops_short_says_so():
    with pytest.warns(
        ConvergenceWarning, match="CRFTagger stopped after 2 iterations with a relative duality"
    ):
        CRFTagger(tol=1e-8, max_iter=2).fit(X, Y)


def test_a_failed_or_interrupted_fit_leaves_the_old_model(monkeypatch):
    from skmaxent.sequences.likelihood import ChainLikelihood

    tagger = CRFTagger().fit(X, Y)
    before = pickle.dumps(tagger)
    with pytest.raises(ValueError, match="has 1 tags"):
        tagger.fit([[{"a": 1}, {"a": 2}]], [["A"]])
    evaluate, calls = ChainLikelihood.evaluate, []

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) > 4:
            raise KeyboardInterrupt
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(ChainLikelihood, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tagger.fit(X[:9], Y[:9])
    assert pickle.dumps(tagger) == before


@pytest.mark.parametrize(
    "parameters",
    [{"C": 0}, {"C": np.inf}, {"l1_ratio": 2}, {"features": "some"}, {"solver": "sgd"}, {"scheme": "IO"}],
)
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=f"The '{next(iter(parameters))}' parameter of CRFTagger"):
        CRFTagger(**parameters).fit(X, Y)


def test_bad_input():
    with pytest.raises(ValueError, match="Solver lbfgs supports only l1_ratio=0"):
        CRFTagger(solver="lbfgs", l1_ratio=0.5).fit(X, Y)
    with pytest.raises(NotFittedError):
        CRFTagger().predict(X)
    with pytest.raises(ValueError, match="requires y"):
        CRFTagger().fit(X, None)


def test_clone_and_pickle_and_model_selection():
    tagger = CRFTagger(C=3, edge_features=("odd",)).fit(X, Y)
    assert clone(tagger).get_params() == tagger.get_params()
    assert list(pickle.loads(pickle.dumps(tagger)).predict(X)) == list(tagger.predict(X))
    search = GridSearchCV(CRFTagger(), {"C": [0.1, 10]}, cv=3, refit=True).fit(X, Y)
    assert set(search.best_params_) == {"C"}
    assert len(cross_val_score(CRFTagger(), X, Y, cv=3)) == 3
    assert len(cross_val_predict(CRFTagger(), X, Y, cv=3)) == len(X)


@pytest.mark.parametrize("dense", [True, False])
def test_skops(dense, monkeypatch):
    """Only our own names are to be trusted, and the model is the same, with dense and sparse weights."""
    from skmaxent.estimators.common import prediction

    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    if not dense:
        monkeypatch.setattr(prediction, "DENSE_BYTES", 0)
    tagger = CRFTagger(edge_features=["odd"], scheme="IOB2").fit(X, Y)
    tagger.predict(X)  # what is made for decoding is not stored
    data = skops.dumps(tagger)
    unknown = skops.get_untrusted_types(data=data)
    assert all(name.startswith("skmaxent.") for name in unknown)
    again = skops.loads(data, trusted=unknown)
    assert again.get_params() == tagger.get_params()
    assert list(again.predict(X)) == list(tagger.predict(X))
    assert all(p.tobytes() == q.tobytes() for p, q in zip(again.predict_proba(X), tagger.predict_proba(X)))
    assert again.state_features_ == tagger.state_features_
    assert again.transition_features_ == tagger.transition_features_


def test_in_a_pipeline():
    words = [[token["word"] for token in x] for x in X]
    model = make_pipeline(TokenFeatures(EVEN), CRFTagger()).fit(words, Y)
    assert model.score(words, Y) > 0.4
    assert "word=w1" in model[-1].vocabulary_


@pytest.mark.parametrize("dense", [True, False])
def test_few_weights_are_kept_sparse(dense, monkeypatch):
    from skmaxent.estimators.common import prediction
    from skmaxent.sequences import chain_decoding

    expected = CRFTagger().fit(X, Y)
    if not dense:
        monkeypatch.setattr(prediction, "DENSE_BYTES", 0)
    tagger = CRFTagger().fit(X, Y)
    assert hasattr(tagger.coef_, "toarray") is not dense
    for _ in range(2):
        assert list(tagger.predict(X)) == list(expected.predict(X))
        assert tagger.state_features_ == expected.state_features_
        monkeypatch.setattr(chain_decoding, "MAX_ENTRIES", 0)
    assert isinstance(tagger.densify().coef_, np.ndarray)
    np.testing.assert_array_equal(tagger.coef_, expected.coef_)


class Recorder:
    """A callback that keeps the models of all iterations and stops at the third."""

    def __init__(self):
        self.fitted = []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "iteration":
            return False
        self.fitted.append(fitted_estimator)
        return len(self.fitted) == 3


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn >= 1.9 has callbacks")
def test_callbacks_see_a_model_and_may_stop_it():
    recorder, tagger = Recorder(), CRFTagger(tol=1e-9)
    tagger.set_callbacks(recorder)
    tagger.fit(X, Y)
    assert tagger.convergence_["stop_reason"] == "callback"
    assert len(recorder.fitted) == 3 == tagger.convergence_["n_iter"] + 1
    np.testing.assert_allclose(recorder.fitted[-1].coef_, tagger.coef_, rtol=1e-6)
    assert not recorder.fitted[0].coef_.any() and recorder.fitted[1].score(X, Y) > 0


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("C, weight", [(1e-300, 1), (1e-5, 1), (1e300, 1), (1, 1e-300), (1, 1e300)])
def test_priors_and_weights_of_any_size(C, weight, l1_ratio):
    """No warning but that of convergence, a finite model, and a gap that claims nothing false."""
    x, y = X[:12], Y[:12]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        tagger = CRFTagger(C=C, l1_ratio=l1_ratio, max_iter=60).fit(x, y, sample_weight=np.full(12, weight))
    assert np.isfinite(tagger.coef_).all() and np.isfinite(tagger.transitions_).all()
    report = tagger.convergence_
    strong = min(C, weight) < 1
    assert report["duality_gap"] >= 0 and (not strong or report["stop_reason"] == "converged")
    if strong:  # all weights are all but 0: the loss is log K a token
        assert report["objective"] == pytest.approx(np.log(5) * sum(map(len, x)) / 12, rel=1e-2)

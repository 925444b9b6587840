"""MaxEntTagger against its definition: probabilities of whole sequences, searched by enumeration."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from tagged_sentences import all_sequences, chunks, sentences, step_probabilities

from skmaxent import MaxEntClassifier, MaxEntTagger
from skmaxent.sequences import convert_tags, is_legal
from skmaxent.sequences.decoding import DECODERS

X, Y = sentences(60)
TEST, TRUE = sentences(12, seed=1, longest=4)
HISTORIES = [
    ("tag[-1]",),
    ("tag[-1] & word",),
    ("tag[-1]", "tag[-2] & tag[-1]", "tag[-1] & first"),
    ("tag[-2]", "tag[-2] & tag[-1] & end & word"),
]
CLASSIFIERS = {
    "default": None,
    "all pairs": MaxEntClassifier(C=3.0),
    "logistic": LogisticRegression(C=0.5, max_iter=500),
    "bayes": MultinomialNB(),
    "pipeline": make_pipeline(MaxAbsScaler(), MaxEntClassifier()),
}


@pytest.fixture(scope="module")
def fitted():
    """Taggers by history and classifier."""
    known = {}

    def get(history, classifier="default"):
        if (history, classifier) not in known:
            known[history, classifier] = MaxEntTagger(CLASSIFIERS[classifier], history=history).fit(X, Y)
        return known[history, classifier]

    return get


CASES = [(h, "default") for h in HISTORIES] + [(HISTORIES[2], name) for name in CLASSIFIERS][1:]


@pytest.mark.parametrize(("history", "classifier"), CASES)
def test_viterbi_finds_the_best_of_all_sequences(fitted, history, classifier):
    tagger = fitted(history, classifier).set_params(decoder="viterbi")
    tags, proba = tagger.predict(TEST), tagger.predict_proba(TEST)
    for sentence, found, p in zip(TEST, tags, proba):
        every = all_sequences(tagger, sentence)
        assert sum(every.values()) == pytest.approx(1, abs=1e-5)
        assert every[tuple(found)] >= max(every.values()) * (1 - 1e-5)
        for i in range(len(sentence)):
            expected = [
                sum(value for sequence, value in every.items() if sequence[i] == tag)
                for tag in tagger.classes_.tolist()
            ]
            np.testing.assert_allclose(p[i], expected, atol=1e-5)


@pytest.mark.parametrize(("history", "classifier"), CASES)
def test_greedy_and_beams(fitted, history, classifier):
    tagger = fitted(history, classifier)
    best = tagger.set_params(decoder="viterbi").predict(TEST).tolist()
    assert tagger.set_params(decoder="beam", beam_width=16).predict(TEST).tolist() == best
    greedy = tagger.set_params(decoder="greedy").predict(TEST).tolist()
    proba = tagger.predict_proba(TEST)
    assert tagger.set_params(decoder="beam", beam_width=1).predict(TEST).tolist() == greedy
    for sentence, found, p in zip(TEST, greedy, proba):
        for i, token in enumerate(sentence):
            step = step_probabilities(tagger, token, found[:i])
            assert step[found[i]] >= max(step.values()) * (1 - 1e-5)
            np.testing.assert_allclose(p[i], [step[tag] for tag in tagger.classes_.tolist()], atol=1e-5)


def test_which_classifiers_decode_by_their_weights(fitted):
    linear = {name: fitted(HISTORIES[2], name)._is_linear for name in CLASSIFIERS}
    # Naive Bayes has no coef_, and a Pipeline transforms rows.
    assert linear == {
        "default": True, "all pairs": True, "logistic": True, "bayes": False, "pipeline": False,
    }  # fmt: skip


def test_two_tags_one_tag_and_no_history():
    two = [["N" if tag == "NOUN" else "O" for tag in tags] for tags in Y]
    tagger = MaxEntTagger(history=("tag[-1]", "tag[-1] & word")).fit(X, two)
    assert tagger.coef_.shape[0] == 1
    for sentence, found in zip(TEST, tagger.predict(TEST)):
        every = all_sequences(tagger, sentence)
        assert every[tuple(found)] >= max(every.values()) * (1 - 1e-5)
    one = MaxEntTagger(tag_dictionary=True, scheme="IOB2").fit(X, [["O"] * len(tags) for tags in Y])
    assert one.classifier_ is None and one.score(TEST, [["O"] * len(s) for s in TEST]) == 1
    assert all((p == 1).all() and p.shape == (len(s), 1) for s, p in zip(TEST, one.predict_proba(TEST)))
    alone = MaxEntTagger(history=()).fit(X, Y)
    assert alone.set_params(decoder="greedy").predict(TEST).tolist() == (
        alone.set_params(decoder="viterbi").predict(TEST).tolist()
    )
    assert len(alone.feature_names_) == len(alone.vocabulary_)


def test_history_helps_where_tags_depend_on_tags():
    test, true = sentences(200, seed=5)
    with_tags, without = (MaxEntTagger(history=h).fit(X, Y) for h in (("tag[-1]",), ()))
    assert with_tags.score(test, true) > without.score(test, true) + 0.02


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("history", HISTORIES[1:3])
def test_batches_are_one_by_one(fitted, decoder, history):
    tagger = fitted(history).set_params(decoder=decoder, beam_width=2)
    test, _ = sentences(40, seed=3)
    together = tagger.predict(test)
    assert [tagger.predict_single(sentence) for sentence in test] == together.tolist()
    proba = tagger.predict_proba(test)
    for i in (0, 7, 31):
        np.testing.assert_allclose(tagger.predict_proba([test[i]])[0], proba[i], atol=1e-6)


@pytest.mark.parametrize("decoder", DECODERS)
def test_any_number_of_threads_gives_the_same_bits(fitted, decoder, monkeypatch):
    monkeypatch.setattr("skmaxent.estimators.tagger.MOST_TOKENS", 16)
    monkeypatch.setattr("skmaxent.estimators.tagger.FEWEST_TOKENS", 16)
    tagger = fitted(HISTORIES[2]).set_params(decoder=decoder)
    test, _ = sentences(60, seed=4)
    found = []
    for n_jobs in (1, 2, 3):
        tagger.set_params(n_jobs=n_jobs)
        found.append((tagger.predict(test).tolist(), np.vstack(tagger.predict_proba(test)).tobytes()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_scheme_is_kept(decoder):
    train, y = chunks(25)
    test, _ = chunks(80, seed=9)
    free = MaxEntTagger(MaxEntClassifier(), history=(), decoder=decoder).fit(train, y)
    assert not all(is_legal(tags, "IOB2") for tags in free.predict(test))
    ruled = MaxEntTagger(MaxEntClassifier(), history=(), decoder=decoder, scheme="IOB2").fit(train, y)
    tags, proba = ruled.predict(test), ruled.predict_proba(test)
    assert all(is_legal(row, "IOB2") for row in tags)
    np.testing.assert_allclose(np.vstack(proba).sum(axis=1), 1)
    for sentence, found, p in zip(test, tags, proba):
        if decoder != "viterbi" or len(sentence) > 4 or not sentence:
            continue
        every = {t: v for t, v in all_sequences(ruled, sentence).items() if is_legal(t, "IOB2")}
        assert every[tuple(found)] >= max(every.values()) * (1 - 1e-5)
        inside = sum(v for t, v in every.items() if t[-1] == "I-NP") / sum(every.values())
        assert p[-1][list(ruled.classes_).index("I-NP")] == pytest.approx(inside, abs=1e-5)


def test_a_scheme_with_ends():
    train, y = chunks(25)
    y = [convert_tags(tags, "BIOES") for tags in y]
    test, _ = chunks(80, seed=9)
    for decoder in DECODERS:
        tagger = MaxEntTagger(history=("tag[-1]",), decoder=decoder, scheme="BIOES").fit(train, y)
        assert all(is_legal(tags, "BIOES") for tags in tagger.predict(test))


def test_a_dictionary_restricts_the_tags_of_words():
    given = {"dog": ["VERB"], "unseen": ["DET"], "park": ["unknown tag"], "the": {"DET", "NOUN"}}
    for decoder in DECODERS:
        tagger = MaxEntTagger(tag_dictionary=given, decoder=decoder).fit(X, Y)
        found = tagger.predict([[{"word": "unseen"}, {"word": "dog"}, {"word": "park"}, {}]])[0]
        assert found[:2] == ["DET", "VERB"]
        proba = tagger.predict_proba([[{"word": "dog"}]])[0]
        np.testing.assert_allclose(proba, [[0, 0, 1]], atol=1e-9)
    learnt = MaxEntTagger(tag_dictionary=True).fit(X, Y)
    assert learnt.tag_dictionary_["the"] == ["DET"] and learnt.tag_dictionary_["walk"] == ["NOUN", "VERB"]
    assert list(learnt.tag_dictionary_) == sorted(learnt.tag_dictionary_)
    n_dog = sum(token["word"] == "dog" for sentence in X for token in sentence)
    for least in (n_dog, n_dog + 1):
        tagger = MaxEntTagger(tag_dictionary=least).fit(X, Y)
        assert ("dog" in tagger.tag_dictionary_) == (least == n_dog)
    names = [[[f"word={token['word']}", "x"] for token in sentence] for sentence in X]
    assert MaxEntTagger(tag_dictionary=True).fit(names, Y).tag_dictionary_ == learnt.tag_dictionary_


@settings(max_examples=15)
@given(st.permutations(range(len(X))), st.randoms())
def test_the_order_of_sentences_and_of_features_does_not_matter(order, random):
    def shuffled(token):
        items = list(token.items())
        random.shuffle(items)
        return dict(items)

    expected = MaxEntTagger(MaxEntClassifier(tol=1e-8)).fit(X, Y)
    other = [[shuffled(token) for token in X[i]] for i in order]
    tagger = MaxEntTagger(MaxEntClassifier(tol=1e-8)).fit(other, [Y[i] for i in order])
    assert tagger.vocabulary_ == expected.vocabulary_
    for one, two in zip(tagger.predict_proba(TEST), expected.predict_proba(TEST)):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_weights_are_copies_of_sentences():
    weights = np.random.default_rng(0).integers(0, 3, len(X))
    copies = [[s for s, w in zip(part, weights) for _ in range(w)] for part in (X, Y)]
    weighted = MaxEntTagger(MaxEntClassifier(tol=1e-9)).fit(X, Y, sample_weight=weights)
    copied = MaxEntTagger(MaxEntClassifier(tol=1e-9)).fit(*copies)
    for one, other in zip(weighted.predict_proba(TEST), copied.predict_proba(TEST)):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("decoder", ["viterbi", "greedy"])
def test_sparse_weights_and_large_tables_decode_the_same(decoder, monkeypatch):
    """Weights too large for an array stay sparse; a table of all states and tags may be too large as well."""
    tagger = MaxEntTagger(history=HISTORIES[2], decoder=decoder).fit(X, Y)
    proba, tags = np.vstack(tagger.predict_proba(TEST)), tagger.predict(TEST).tolist()
    tagger.classifier_.sparsify()
    again = pickle.loads(pickle.dumps(tagger))
    assert again.predict(TEST).tolist() == tags
    monkeypatch.setattr("skmaxent.estimators.common.local_models.PURE_ENTRIES", 0)
    monkeypatch.setattr("skmaxent.sequences.history.TABLE_ENTRIES", 0)
    again = pickle.loads(pickle.dumps(tagger))
    np.testing.assert_allclose(np.vstack(again.predict_proba(TEST)), proba, atol=1e-6)
    assert again.predict(TEST).tolist() == tags


def test_attributes(fitted):
    tagger = fitted(HISTORIES[2])
    names = tagger.feature_names_.tolist()
    assert tagger.coef_.shape == (3, len(names)) and tagger.intercept_.shape == (3,)
    assert len(set(names)) == len(names) and "tag[-2]=<s> & tag[-1]=DET" in names
    assert tagger.convergence_["relative_gap"] <= 1e-2
    transitions = tagger.transitions_
    for i, before in enumerate(tagger.classes_):
        column = f"tag[-1]={before}"
        expected = tagger.coef_[:, names.index(column)] if column in names else np.zeros(3)
        np.testing.assert_array_equal(transitions[i], expected)
    assert not hasattr(fitted(HISTORIES[2], "bayes"), "coef_")
    assert not hasattr(fitted(HISTORIES[1]), "transitions_")
    assert not hasattr(MaxEntTagger(), "coef_")


BAD = {
    r"X\[3\] has \d tokens, y\[3\] has 0 tags": (MaxEntTagger(), X, [*Y[:3], [], *Y[4:]]),
    "The 'decoder' parameter of MaxEntTagger must be": (MaxEntTagger(decoder="best"), X, Y),
    "The 'beam_width' parameter of MaxEntTagger must be": (MaxEntTagger(beam_width=0), X, Y),
    "The 'classifier' parameter of MaxEntTagger must be": (MaxEntTagger("logistic"), X, Y),
    "The 'scheme' parameter of MaxEntTagger must be": (MaxEntTagger(scheme="IOB"), X, Y),
    "'history' parameter": (MaxEntTagger(history="tag[-1]"), X, Y),
    "'bigram' is no template of the history": (MaxEntTagger(history=["bigram"]), X, Y),
    "names a feature that no token has": (MaxEntTagger(history=["tag[-1] & lemma"]), X, Y),
    "'DET' is not a tag of a span": (MaxEntTagger(scheme="IOB2"), X, Y),
    "no token has a str as its feature 'lemma'": (
        MaxEntTagger(tag_dictionary=True, word_feature="lemma"), X, Y,
    ),
    "must map words to collections of tags": (MaxEntTagger(tag_dictionary={"the": "DET"}), X, Y),
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_errors_leave_the_old_model_whole(message):
    tagger, *data = BAD[message]
    good = MaxEntTagger().fit(X, Y)
    state = {name: value for name, value in vars(good).items() if name.endswith("_")}
    tagger = good.set_params(**tagger.get_params(deep=False))
    with pytest.raises(ValueError, match=message):
        tagger.fit(*data)
    assert {name: vars(tagger)[name] for name in state} == state


def test_decoding_obeys_parameters_that_are_set_after_the_fit():
    train, y = chunks(25)
    test, _ = chunks(80, seed=9)
    tagger = MaxEntTagger(history=()).fit(train, y)
    assert not all(is_legal(row, "IOB2") for row in tagger.predict(test))
    assert all(is_legal(row, "IOB2") for row in tagger.set_params(scheme="IOB2").predict(test))
    with pytest.raises(ValueError, match="The 'decoder' parameter of MaxEntTagger must be"):
        tagger.set_params(decoder="best").predict(test)


def test_a_refit_forgets():
    tagger = MaxEntTagger().fit(X, Y)
    tagger.predict(TEST)
    tagger.fit([[{"w": "a"}, {"w": "b"}]] * 3, [[1, 2]] * 3)
    assert tagger.predict([[{"w": "a"}, {"w": "b"}]]).tolist() == [[1, 2]]
    assert tagger.transitions_.shape == (2, 2)


def test_long_sentences_and_other_tags():
    long = [[token for sentence in X for token in sentence][:150]]
    tags = [[(tag, 1) for row in Y for tag in row][:150]]
    tagger = MaxEntTagger(history=HISTORIES[2]).fit(long * 2, tags * 2)
    assert tagger.classes_.tolist() == [("DET", 1), ("NOUN", 1), ("VERB", 1)]
    assert tagger.score(long, tags) > 0.8
    assert len(tagger.predict(long * 8 + [[]])[3]) == 150
    huge = [long[0] * 9]
    assert np.isfinite(tagger.predict_proba(huge)[0]).all() and len(tagger.predict(huge)[0]) == 1350

"""Explanations of a tag: votes of the token and of the tags before it sum to the classifier's scores."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from tagged_sentences import features_of, sentences, step_probabilities

from skmaxent import MaxEntClassifier, MaxEntTagger, TokenFeatures, explain, top_features
from skmaxent.sequences import word_features

X, Y = sentences(60)
HISTORY = ("tag[-1]", "tag[-2] & tag[-1]", "tag[-1] & word")
WORDS = ["a", "dog", "saw"]
SENTENCE = [{"word": w, "end": w[-1], "first": i == 0, "length": 0.75} for i, w in enumerate(WORDS)]
CLASSIFIERS = [None, MaxEntClassifier(C=1e-3, features="observed"), LogisticRegression()]


@pytest.fixture(scope="module", params=CLASSIFIERS)
def tagger(request):
    return MaxEntTagger(request.param, history=HISTORY).fit(X, Y)


@pytest.mark.parametrize("position", [0, 1, 2, -1])
def test_votes_sum_to_the_scores_of_the_classifier(tagger, position):
    found = explain(tagger, SENTENCE, position, top=None)
    tags = tagger.predict_single(SENTENCE)
    place = position % 3
    assert found.prediction == tags[place] and found.classes == tagger.classes_.tolist()
    expected = features_of(SENTENCE[place], tags[:place], HISTORY)
    known = set(tagger.feature_names_)
    assert dict(zip(found.features, found.values)) == {k: v for k, v in expected.items() if v and k in known}
    np.testing.assert_allclose(found.votes.sum(axis=0) + found.offset + found.class_mean, found.scores)
    proba = np.exp(found.scores - found.scores.max())
    np.testing.assert_allclose(proba / proba.sum(), list(found.probabilities.values()), atol=1e-5)
    step = step_probabilities(tagger, SENTENCE[place], tags[:place])
    assert found.probabilities == pytest.approx(step, abs=1e-5)
    for label, column in zip(found.classes, found.weights.T):
        for name, weight in zip(found.features, column):
            j, k = tagger.feature_names_.tolist().index(name), found.classes.index(label)
            coef = tagger.coef_[:, [j]]
            coef = np.ravel(coef.toarray() if hasattr(coef, "toarray") else coef)
            assert weight == pytest.approx(coef[k] - coef.mean(), abs=1e-6)


def test_tables_and_contrasts(tagger):
    found = explain(tagger, SENTENCE, 1, top=3)
    assert found.form == "token" and len(found.features) == 3 and found.estimator_name == "MaxEntTagger"
    assert "MaxEntTagger predicts NOUN" in str(found) and "<table" in found.to_html()
    two = explain(tagger, SENTENCE, 1, contrast=("NOUN", "VERB"))
    scores = explain(tagger, SENTENCE, 1).scores
    assert two.scores[0] == pytest.approx(scores[1] - scores[2])


def test_two_tags_and_pipelines():
    words = [[token["word"] for token in sentence] for sentence in X]
    two = [["N" if tag == "NOUN" else "O" for tag in tags] for tags in Y]
    model = make_pipeline(TokenFeatures(word_features), MaxEntTagger()).fit(words, two)
    found = explain(model, ["the", "dog"], 1)
    assert found.against == "N" and found.prediction == "N" and found.scores[0] < 0
    assert "tag[-1]=O" in explain(model, ["the", "dog"], 1, top=None).features
    top = top_features(model, n=3)
    assert list(top) == ["N", "O"] and len(top["N"]) == 6


def test_top_features(tagger):
    top = top_features(tagger, n=2, class_="VERB")
    coef = tagger.coef_.toarray() if hasattr(tagger.coef_, "toarray") else tagger.coef_
    centred = coef[2] - coef.mean(axis=0)
    assert top["VERB"][0][1] == pytest.approx(centred.max())
    assert top["VERB"][0][0] == tagger.feature_names_[centred.argmax()]


def test_errors(tagger):
    with pytest.raises(ValueError, match=r"token by token: explain\(tagger, sentence, position\)"):
        explain(tagger, SENTENCE)
    with pytest.raises(ValueError, match="position=3 is not in the sentence, which has 3 tokens"):
        explain(tagger, SENTENCE, 3)
    with pytest.raises(ValueError, match=r"A position is for taggers\. Got MaxEntClassifier"):
        explain(MaxEntClassifier().fit([[0], [1]], [0, 1]), [0.0], 0)
    with pytest.raises(ValueError, match="linear classifier"):
        explain(MaxEntTagger(MultinomialNB()).fit(X, Y), SENTENCE, 0)

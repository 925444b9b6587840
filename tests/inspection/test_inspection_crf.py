"""Explanations of a CRF's tag: votes of the token and of both transitions sum to its part of the score."""

import numpy as np
import pytest
from chains import sequence_score
from tagged_sentences import sentences

from skmaxent import CRFTagger, TokenFeatures, explain, top_features

X, Y = sentences(60)
SENTENCE = X[0]


@pytest.fixture(scope="module", params=[(), ("first", "length")])
def tagger(request):
    return CRFTagger(C=5, edge_features=request.param).fit(X, Y)


def scores_of_sequences(tagger, sentence, position):
    """Scores of the sequences that differ from the predicted one at a position, less that of their means."""
    matrix, _, _ = tagger._encode([sentence])
    S = matrix @ tagger.coef_.T
    T = np.broadcast_to(tagger.transitions_, (len(sentence), *tagger.transitions_.shape)).copy()
    for j, name in enumerate(tagger.edge_feature_names_):
        T += matrix[:, [tagger.vocabulary_[name]]].toarray()[:, :, None] * tagger.edge_transitions_[j]
    labels = tagger.classes_.tolist()
    codes = [labels.index(tag) for tag in tagger.predict_single(sentence)]
    scores = []
    for k in range(len(labels)):
        codes[position] = k
        scores.append(sequence_score(S, T, np.arange(len(sentence)), codes))
    return np.array(scores)


@pytest.mark.parametrize("position", range(-1, len(SENTENCE)))
def test_votes_sum_to_what_the_tag_is_worth_in_its_sentence(tagger, position):
    found = explain(tagger, SENTENCE, position, top=None)
    tags = tagger.predict_single(SENTENCE)
    assert found.prediction == tags[position] and found.classes == tagger.classes_.tolist()
    np.testing.assert_allclose(found.votes.sum(axis=0) + found.offset + found.class_mean, found.scores)
    exact = scores_of_sequences(tagger, SENTENCE, position % len(SENTENCE))
    np.testing.assert_allclose(found.scores - found.scores.mean(), exact - exact.mean(), atol=1e-10)
    assert found.probabilities == pytest.approx(tagger.predict_marginals_single(SENTENCE)[position])
    place = position % len(SENTENCE)
    sides = {name for name in found.features if name.startswith("tag[") and "&" not in name}
    expected = {f"tag[-1]={tags[place - 1]}"} if place else set()
    expected |= {f"tag[+1]={tags[place + 1]}"} if place + 1 < len(tags) else set()
    assert sides == expected
    assert any("&" in name for name in found.features) == bool(tagger.edge_feature_names_)


def test_tables_and_strongest_features(tagger):
    text = str(explain(tagger, SENTENCE, 0, top=3))
    assert "CRFTagger predicts" in text
    top = top_features(tagger, n=2)
    label = tagger.classes_.tolist()[1]
    name, weight = top[label][0]
    column = tagger.coef_[:, tagger.vocabulary_[name]]
    assert weight == pytest.approx(column[1] - column.mean())


def test_in_a_pipeline():
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TokenFeatures(lambda tokens, i: tokens[i]), CRFTagger()).fit(X, Y)
    assert explain(model, SENTENCE, 1).estimator_name == "CRFTagger"

"""A user's script without a fault: type checkers must find none, however strict."""

import numpy as np

import skmaxent
from skmaxent import (
    BackpropMLPClassifier,
    CRFTagger,
    JointFeatures,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    MaxEntTagger,
    RecurrentClassifier,
    RecurrentTagger,
    TokenFeatures,
    c_min,
    check_gradient,
    datasets,
    explain,
    maxent_path,
    top_features,
)
from skmaxent.sequences import span_f1_score, word_features


def longer_than(c: str, d: str) -> bool:
    """A joint feature."""
    return c == "long" and len(d) > 3


rng = np.random.default_rng(0)
X, y = rng.standard_normal((60, 4)), np.arange(60) % 3
model = MaxEntClassifier(C=2.0, l1_ratio=0.5, features="observed", solver="auto").fit(X, y)
print(model.coef_.shape, model.intercept_.sum(), model.classes_.tolist(), model.convergence_["relative_gap"])
print(model.predict(X)[:3], model.predict_proba(X).sum(), model.predict_log_proba(X).max(), model.score(X, y))
print(model.sparsify().densify().expected_counts(X).shape, model.penalty, model.n_iter_[0])
print(
    model.get_params(),
    model.set_params(C=1.0).fit(X, y, sample_weight=np.ones(60)).observed_counts(X, y).shape,
)
search = MaxEntClassifierCV(Cs=[0.1, 1.0], l1_ratios=[0, 1]).fit(X, y)
print(search.C_, search.l1_ratio_ + 1.0, search.scores_.mean(axis=0), search.coef_[0], search.n_iter_.max())
network = BackpropMLPClassifier((10,), "tanh", max_iter=5, batch_size=60, tol=1e9, n_iter_no_change=1).fit(
    X, y
)
print(network.loss_curve_[-1], network.coefs_[0].shape, network.hidden_activations(X).mean())
print(
    network.partial_fit(X, y).decision_function(X).shape,
    network.n_layers_,
    max(check_gradient((4, 3, 2)).values()),
)
ranker = MaxEntRanker().fit(X[:4], [1, 0, 0, 1], groups=[0, 0, 1, 1])
print(ranker.predict(X[:2]).tolist(), ranker.coef_ @ np.ones(4))
joint = MaxEntClassifier(features=JointFeatures([longer_than])).fit(["word", "it"], ["long", "short"])
print(joint.joint_feature_names_.tolist(), joint.coef_.sum())
explanation = explain(model, X[0], top=3, contrast=(0, 1))
print(explanation.votes.sum(axis=0) + explanation.remainder, explanation.to_html()[:10], explanation.features)
print(explanation.to_dict()["classes"])
print(top_features(model, n=2)[0][0])
path = maxent_path(X, y, Cs=[0.1, c_min(X, y)], tol=1e-4)
print(path.coefs[0].shape, path.gaps.max(), path.Cs.tolist(), path.classes)
corpus = datasets.load_docstrings()
print(len(corpus.data), corpus.target.shape, corpus.target_names[0], corpus.DESCR[:9], skmaxent.__version__)
texts, areas = datasets.load_docstrings(return_X_y=True)
print(texts[0][:9], areas[:3], datasets.pos_window_features(["a", "word"], 1))
words = [["Anna", "sleeps"], ["we", "met", "Anna"]]
tags = [["B-PER", "O"], ["O", "O", "B-PER"]]
sentences = TokenFeatures(word_features).fit_transform(words)
tagger = MaxEntTagger(history=["tag[-1]", "tag[-1] & word"], decoder="greedy", scheme="IOB2").fit(
    sentences, tags
)
print(span_f1_score(tags, tagger.predict(sentences)), tagger.score(sentences, tags), tagger.classes_.tolist())
print(tagger.predict_proba(sentences)[0].sum(), explain(tagger, sentences[0], 1).prediction)
print(CRFTagger(C=2.0).fit(sentences, tags).set_params(tol=1e-4).predict(sentences)[0])
reader = RecurrentTagger(8, "gru", max_iter=2, min_count=1, features=lambda token: [token, token[-1]]).fit(
    words, tags
)
print(reader.score(words, tags), reader.embeddings_.shape, reader.hidden_states(words)[0].mean())
judge = RecurrentClassifier((4, 4), pooling="last", early_stopping=False, max_norm=None).fit(words, [0, 1])
print(judge.predict(words), judge.predict_proba(words).sum(), judge.weights_["affine.weights"].shape)

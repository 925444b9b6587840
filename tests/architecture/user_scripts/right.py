"""A user's script without a fault: the type checker must find none."""

import numpy as np
from sklearn.datasets import load_iris

from skmaxent import (
    BackpropMLPClassifier,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    MaxEntTagger,
    RecurrentClassifier,
    RecurrentTagger,
    TokenFeatures,
    c_min,
    explain,
    maxent_path,
    top_features,
)
from skmaxent.sequences import span_f1_score, word_features

X, y = load_iris(return_X_y=True)
model = MaxEntClassifier(C=2.0, l1_ratio=0.5, features="observed", solver="auto").fit(X, y)
print(model.coef_.shape, model.intercept_.sum(), model.classes_.tolist(), model.convergence_["relative_gap"])
print(model.predict(X)[:3], model.predict_proba(X).sum(), model.predict_log_proba(X).max(), model.score(X, y))
print(model.sparsify().densify().expected_counts(X).shape, model.penalty)
search = MaxEntClassifierCV(Cs=[0.1, 1.0], l1_ratios=[0, 1]).fit(X, y)
print(search.C_, search.scores_.mean(axis=0), search.coef_[0])
network = BackpropMLPClassifier((10,), "tanh", max_iter=5, random_state=0).fit(X, y)
print(network.loss_curve_[-1], network.coefs_[0].shape, network.hidden_activations(X).mean())
ranker = MaxEntRanker().fit(X[:4], [1, 0, 0, 1], groups=[0, 0, 1, 1])
print(ranker.predict(X[:2]).tolist(), ranker.coef_ @ np.ones(4))
explanation = explain(model, X[0], top=3, contrast=(0, 1))
print(explanation.votes.sum(axis=0) + explanation.remainder, explanation.to_html()[:10], explanation.features)
print(top_features(model, n=2)[0][0], maxent_path(X, y, Cs=[0.1, c_min(X, y)], tol=1e-4).coefs.shape)
words = [["Anna", "sleeps"], ["we", "met", "Anna"]]
tags = [["B-PER", "O"], ["O", "O", "B-PER"]]
sentences = TokenFeatures(word_features).fit_transform(words)
tagger = MaxEntTagger(history=["tag[-1]", "tag[-1] & word"], decoder="greedy", scheme="IOB2").fit(
    sentences, tags
)
print(span_f1_score(tags, tagger.predict(sentences)), tagger.score(sentences, tags), tagger.classes_.tolist())
print(tagger.predict_proba(sentences)[0].sum(), explain(tagger, sentences[0], 1).prediction)
reader = RecurrentTagger(8, "gru", max_iter=2, min_count=1, features=lambda token: [token, token[-1]]).fit(
    words, tags
)
print(reader.score(words, tags), reader.embeddings_.shape, reader.hidden_states(words)[0].mean())
judge = RecurrentClassifier((4, 4), pooling="last", early_stopping=False, max_norm=None).fit(words, [0, 1])
print(judge.predict(words), judge.predict_proba(words).sum(), judge.weights_["affine.weights"].shape)

"""A user's script without a fault: type checkers must find none, however strict."""

import numpy as np

import skmaxent
from skmaxent import (
    BackpropMLPClassifier,
    CRFTagger,
    JointFeatures,
    LogCountRatioScaler,
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
from skmaxent.sequences import (
    affixes,
    convert_tags,
    flat_f1_score,
    is_legal,
    legal_transitions,
    span_f1_score,
    span_report,
    spans,
    window,
    word_features,
    word_shape,
)


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
words = MaxEntClassifier(features=JointFeatures([longer_than])).fit(["word", "it"], ["long", "short"])
print(words.joint_feature_names_.tolist(), words.coef_.sum())
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
told = [["Anna", "sleeps"], ["we", "met", "Anna"]]
tags = [["B-PER", "O"], ["O", "O", "B-PER"]]
print(span_report(tags, tags).by_type["PER"].f1, spans(tags[1])[0][1] + 1, convert_tags(tags[1], "BIOES"))
print(is_legal(tags[0], "IOB2"), legal_transitions(["B-X", "O"], "IOB2")[0].shape, affixes("was")["suffix1"])
print(flat_f1_score(tags, tags, labels=["O"]) + 1, word_shape("B-52").lower(), window(told[0], 0)["word[0]"])
sentences = TokenFeatures(word_features).fit_transform(told)
print(TokenFeatures(lambda words, i: {words[i], "all"}).fit(told).transform(told)[0][0])
tagger = MaxEntTagger(history=["tag[-1]", "tag[-1] & word"], decoder="greedy", scheme="IOB2").fit(
    sentences, tags
)
print(span_f1_score(tags, tagger.predict(sentences)), tagger.score(sentences, tags), tagger.classes_.tolist())
print(tagger.predict_proba(sentences)[0].sum(), explain(tagger, sentences[0], 1).prediction)
print(tagger.convergence_["n_iter"], tagger.transitions_.shape, tagger.tag_dictionary_, tagger.get_params())
field = CRFTagger(C=10.0, l1_ratio=0.1, edge_features=["shape"]).fit(sentences, tags, sample_weight=[1, 2])
print(field.coef_.shape, field.transitions_.sum(), field.edge_transitions_.shape, field.n_iter_[0])
print(max(field.state_features_.values()), field.transition_features_.get(("O", "O"), 0.0) + 1)
print(field.predict_single(sentences[0])[0], field.predict_marginals(sentences)[0][0]["O"] + 1)
print(field.vocabulary_["shape=x"] + 1, field.feature_names_[:2], field.set_params(C=1.0).C)
reader = RecurrentTagger(
    8, "gru", min_count=1, tol=1e9, n_iter_no_change=1, features=lambda token: [token, str(token)[-1]]
).fit(told, tags)
print(reader.score(told, tags), reader.embeddings_.shape, reader.hidden_states(told)[0].mean())
print(reader.loss_curve_[-1] + 1, reader.vocabulary_, reader.partial_fit(told, tags).predict(told)[0])
judge = RecurrentClassifier((4, 4), pooling="last", max_norm=None, tol=1e9, n_iter_no_change=1)
judge.fit(told, [0, 1], X_val=told, y_val=[0, 1])
print(judge.predict(told), judge.predict_proba(told).sum(), judge.weights_["affine.weights"].shape)
print(judge.score(told, [0, 1]) + 1, judge.validation_scores_, judge.get_params()["cell"], judge.n_iter_ + 1)
scaler = LogCountRatioScaler(alpha=0.5).fit(X**2, y, sample_weight=np.ones(60))
print(scaler.scale_.shape, scaler.log_ratios_.max(), scaler.transform(X).shape)
print(scaler.get_feature_names_out()[0], scaler.classes_.tolist(), scaler.n_features_in_ + 1)
print(scaler.set_output(transform="default").fit_transform(X**2, y).shape, scaler.set_params(alpha=1.0).alpha)

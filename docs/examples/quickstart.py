"""
Quickstart: a text classifier, tuned, compared, certified and explained
=======================================================================

The corpus is on every machine that has the dependencies: docstrings of NumPy, SciPy and scikit-learn, to be
assigned to the subpackage that they come from.
"""

from time import perf_counter

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from skmaxent import MaxEntClassifier, explain, top_features
from skmaxent.datasets import load_docstrings


def heading(text):
    print(f"\n{text}\n{'-' * len(text)}")


corpus = load_docstrings()
target = np.asarray(corpus.target_names)[corpus.target]
texts, test_texts, labels, test_labels = train_test_split(
    corpus.data, target, test_size=0.2, stratify=target, random_state=0
)
print(f"{len(corpus.data)} docstrings in {len(corpus.target_names)} subpackages")

# %%
# A vectoriser makes a column of each word; the classifier learns how each word votes for each class. How far
# weights may go is chosen by cross-validation, in two processes.

heading("1. Choose C by cross-validation, two workers")
pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True), MaxEntClassifier())
folds = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, {"maxentclassifier__C": [1, 10, 100]}, cv=folds, n_jobs=2)
started = perf_counter()
search.fit(texts, labels)
for C, score in zip(search.cv_results_["param_maxentclassifier__C"], search.cv_results_["mean_test_score"]):
    print(f"  C = {C:3g}   accuracy {score:.3f}")
print(f"  best: C = {search.best_params_['maxentclassifier__C']:g}; ", end="")
print(f"9 fits and a refit, with their tf-idf, in {perf_counter() - started:.1f} s")

# %%
# It is the model of scikit-learn's LogisticRegression, with the same C, so that the scores agree.

heading("2. The same model as LogisticRegression, sooner (tf-idf done once, 3 folds, C = 1)")
X = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
for model in (MaxEntClassifier(), LogisticRegression(max_iter=1000)):
    started = perf_counter()
    scores = cross_val_score(model, X, labels, cv=folds)
    print(f"  {type(model).__name__:18s}  accuracy {scores.mean():.4f}   {perf_counter() - started:6.2f} s")

# %%
# Every fit ends with a bound, proven for these data, on how far it can be from the optimum.

heading("3. How far from the optimum? A proof, not a hope")
model = search.best_estimator_[-1]
report = model.convergence_
print(f"  objective {report['objective']:.6f} nats a document, ", end="")
print(f"at most {report['duality_gap']:.1e} above the minimum")
print(f"  {report['n_iter']} iterations, {report['n_products']:g} products with X, ", end="")
print(f"{report['seconds']:.2f} s, stopped because: {report['stop_reason']}")
print(f"  presolve merged {report['presolve']['columns_merged']} of {model.n_features_in_} columns")
print(f"  accuracy on {len(test_labels)} held-out docstrings: {search.score(test_texts, test_labels):.3f}")

# %%
# What has the model learned? The strongest words for some of the classes (the corpus follows the installed
# versions, so not all of them are there with each).

heading("4. The most telling words")
for label in ("numpy.linalg", "scipy.sparse", "scipy.stats", "sklearn.cluster"):
    if label in model.classes_:
        ((_, features),) = top_features(search.best_estimator_, n=6, class_=label).items()
        words = [f"{name} {weight:+.1f}" for name, weight in features if weight > 0]
        print(f"  {label:16s} " + ", ".join(words))

# %%
# And why is a docstring taken for one of another subpackage? The votes of its words sum to the scores.

heading("5. One prediction taken apart into votes")
mistakes = np.flatnonzero(search.predict(test_texts) != test_labels)
shortest = min(mistakes, key=lambda i: abs(len(test_texts[i]) - 200))
votes = explain(search.best_estimator_, test_texts[shortest], top=8)
print(f"  true class: {test_labels[shortest]}\n")
print(votes)

# %%
# A notebook shows the words where they are in the text:

votes  # noqa: B018

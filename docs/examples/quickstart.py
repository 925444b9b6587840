"""Quickstart: a text pipeline on the docstring corpus, tuned, compared, certified and explained.

The corpus is on every machine that has the dependencies: docstrings of NumPy, SciPy and scikit-learn,
to be assigned to the subpackage that they come from. Run with ``python docs/examples/quickstart.py``.
"""

import time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from skmaxent import MaxEntClassifier, explain, top_features
from skmaxent.datasets import load_docstrings


def heading(text):
    print(f"\n{text}\n{'-' * len(text)}")


def timed(function):
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def main():
    corpus, seconds = timed(load_docstrings)
    target = np.asarray(corpus.target_names)[corpus.target]
    print(f"{len(corpus.data)} docstrings in {len(corpus.target_names)} subpackages, read in {seconds:.1f} s")
    texts, test_texts, labels, test_labels = train_test_split(
        corpus.data, target, test_size=0.2, stratify=target, random_state=0
    )

    heading("1. Choose C by cross-validation, two workers")
    pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True), MaxEntClassifier())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, {"maxentclassifier__C": [1, 10, 100]}, cv=folds, n_jobs=2)
    _, seconds = timed(lambda: search.fit(texts, labels))
    for C, score in zip(
        search.cv_results_["param_maxentclassifier__C"], search.cv_results_["mean_test_score"]
    ):
        print(f"  C = {C:3g}   accuracy {score:.3f}")
    best_C = search.best_params_["maxentclassifier__C"]
    print(f"  best: C = {best_C:g}; 9 fits and a refit, with their tf-idf, in {seconds:.1f} s")

    heading("2. The same model as LogisticRegression, sooner (tf-idf done once, 3 folds, C = 1)")
    X = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    for model in (MaxEntClassifier(), LogisticRegression(max_iter=1000)):
        scores, seconds = timed(lambda model=model: cross_val_score(model, X, labels, cv=folds))
        print(f"  {type(model).__name__:18s}  accuracy {scores.mean():.4f}   {seconds:6.2f} s")

    heading("3. How far from the optimum? A proof, not a hope")
    model = search.best_estimator_[-1]
    report = model.convergence_
    print(f"  objective {report['objective']:.6f} nats a document, ", end="")
    print(f"at most {report['duality_gap']:.1e} above the minimum")
    print(f"  {report['n_iter']} iterations, {report['n_products']:g} products with X, ", end="")
    print(f"{report['seconds']:.2f} s, stopped because: {report['stop_reason']}")
    print(f"  presolve merged {report['presolve']['columns_merged']} of {model.n_features_in_} columns")
    print(
        f"  accuracy on {len(test_labels)} held-out docstrings: {search.score(test_texts, test_labels):.3f}"
    )

    heading("4. The most telling words")
    for label in ("numpy.linalg", "scipy.sparse", "scipy.stats", "sklearn.cluster"):
        if label in model.classes_:  # the corpus follows the installed versions
            ((_, features),) = top_features(search.best_estimator_, n=6, class_=label).items()
            words = [f"{name} {weight:+.1f}" for name, weight in features if weight > 0]
            print(f"  {label:16s} " + ", ".join(words))

    heading("5. One prediction taken apart into votes")
    mistakes = np.flatnonzero(search.predict(test_texts) != test_labels)
    shortest = min(mistakes, key=lambda i: abs(len(test_texts[i]) - 200))
    print(f"  true class: {test_labels[shortest]}\n")
    print(explain(search.best_estimator_, test_texts[shortest], top=8))


if __name__ == "__main__":
    main()

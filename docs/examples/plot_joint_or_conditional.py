"""
Joint or conditional? Naive Bayes against maximum entropy as data grow
======================================================================

Naive Bayes models how a class makes its data, p(c, d); maximum entropy models the class alone, p(c | d). Both
are linear with the same features. The joint model counts, so that it needs no optimisation; where features go
together, as a word and its pairs do, it counts their evidence twice. The conditional model shares out the
weight among features that say the same (Klein & Manning 2002). Ng & Jordan (2001) found the joint model ahead
on few data; under a prior, the conditional one keeps up with it here from the first 50 data on.
"""

from itertools import combinations, pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from skmaxent import MaxEntClassifier
from skmaxent.datasets import load_ppattach, load_trec_questions


def heads(row):
    """Prepositional phrases: the words, and their combinations that hold the preposition."""
    words = [word.lower() for word in row]
    groups = [group for size in (2, 3, 4) for group in combinations(range(4), size) if 2 in group]
    return [f"{i}={word}" for i, word in enumerate(words)] + [
        f"{group}={' '.join(words[i] for i in group)}" for group in groups
    ]


def question(text):
    """Questions: words and pairs of words."""
    words = ["<s>", *text.lower().split()]
    return words + [f"{a} {b}" for a, b in pairwise(words)]


def curve(model, X, y, X_test, y_test, sizes):
    """Mean accuracy over five samples of each size, and its standard deviation."""
    rng = np.random.default_rng(0)
    rows = [[rng.permutation(len(y))[:size] for _ in range(5 if size < len(y) else 1)] for size in sizes]
    scores = [[model.fit(X[part], y[part]).score(X_test, y_test) for part in parts] for parts in rows]
    return np.array([[np.mean(part), np.std(part)] for part in scores]).T


# The later questions of the training set stand in for the test set, which choices should not look at.
questions, phrases, dev = load_trec_questions("train"), load_ppattach("train"), load_ppattach("dev")
tasks = {
    "kinds of questions": (question, questions.data[:4452], questions.target[:4452], questions.data[4452:],
                           questions.target[4452:]),
    "prepositional phrases": (heads, phrases.data, phrases.target, dev.data, dev.target),
}  # fmt: skip
models = {
    "naive Bayes: p(c, d)": MultinomialNB(alpha=0.3),
    "maximum entropy: p(c | d)": MaxEntClassifier(tol=1e-2),
}
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, (title, (features, data, y, data_test, y_test)) in zip(axes, tasks.items()):
    columns = CountVectorizer(analyzer=features, binary=True)
    X = columns.fit_transform(data).astype(float)
    X_test = columns.transform(data_test).astype(float)
    sizes = [*np.geomspace(50, len(y), 8).astype(int)]
    for name, model in models.items():
        mean, spread = 100 * curve(model, X, y, X_test, y_test, sizes)
        ax.errorbar(sizes, mean, spread, marker=".", capsize=2, label=name)
        print(f"{title:22} {name:26} " + " ".join(f"{m:.1f}" for m in mean))
    ax.set(xscale="log", xlabel="training data", ylabel="accuracy, %", title=title)
    ax.legend(frameon=False)
plt.show()

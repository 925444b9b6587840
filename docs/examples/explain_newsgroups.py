"""
Why does a text classifier fail?
================================

The mistakes on 20 Newsgroups, taken apart into votes: trained on the earlier messages, what misleads the
model on the later ones most often, and what does so in its surest mistake?
"""

from collections import defaultdict

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skmaxent import CoefficientsDisplay, MaxEntClassifier, VotesDisplay, explain, top_features
from skmaxent.datasets import load_newsgroups


def surest_mistakes(scores, labels, target):
    """Numbers of the wrong predictions, those first that beat the true class by the most."""
    rows = np.arange(len(target))
    true = np.searchsorted(labels, target)
    lead = scores.max(axis=1) - scores[rows, true]
    return [i for i in np.argsort(-lead) if lead[i] > 0]


EXPLAINED = 300  # mistakes to take apart
train, test = load_newsgroups("train"), load_newsgroups("test")
names = np.array(train.target_names)
truth = names[test.target]
model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), MaxEntClassifier(C=20, tol=1e-3))
model.fit(train.data, names[train.target])
scores = model.decision_function(test.data)
mistakes = surest_mistakes(scores, model.classes_, truth)
predicted = model.classes_[scores.argmax(axis=1)]
print(f"{len(mistakes):,} mistakes in {len(truth):,} messages, accuracy {np.mean(predicted == truth):.1%}\n")

# %%
# What speaks for the wrong class and against the true one, in all mistakes together?
misleading, times = defaultdict(float), defaultdict(int)
for i in mistakes[:EXPLAINED]:
    contrast = explain(model, test.data[i], contrast=(predicted[i], truth[i]))
    for word, vote in zip(contrast.features, contrast.votes[:, 0]):
        misleading[word] += vote
        times[word] += 1
print(f"Words that mislead most, in the {min(EXPLAINED, len(mistakes))} surest mistakes:")
for word in sorted(misleading, key=misleading.get, reverse=True)[:15]:
    print(f"  {word:20} {misleading[word]:+7.2f} in {times[word]} messages")

# %%
# The surest mistake, and what the model has learned of the two groups.

print("One of them, the wrong class against the true one:\n")
first = mistakes[0]
print(explain(model, test.data[first], contrast=(predicted[first], truth[first])))
print("\nWhat the model has learned of two groups that it confuses:\n")
print(top_features(model, n=8, class_=predicted[first]))
print()
print(top_features(model, n=8, class_=truth[first]))

# %%
# The same as pictures.

VotesDisplay.from_estimator(model, test.data[first], contrast=(predicted[first], truth[first]))
plt.show()

# %%
groups = [predicted[first], truth[first]]
CoefficientsDisplay.from_estimator(model, n=10, classes=groups)
plt.show()

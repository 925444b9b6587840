"""
Raised from investors, or money from investors?
===============================================

Prepositional-phrase attachment, the task of Ratnaparkhi, Reynar and Roukos (1994): four words are known, the
verb, the noun, the preposition and the noun after it. The features are the words and their combinations that
hold the preposition; `Joined` templates say so without code, and make one weight for each value and class.
"""

from itertools import combinations

from skmaxent import Joined, JointFeatures, MaxEntClassifier, explain
from skmaxent.datasets import load_ppattach

HEADS = ("verb", "noun1", "prep", "noun2")


def heads(row):
    """A decision as a dict, the words in lower case, and all numbers one word."""
    words = ["<number>" if word[:1].isdigit() else word.lower() for word in row]
    return dict(zip(HEADS, words))


TEMPLATES = [
    Joined(group, min_count=1)
    for size in (1, 2, 3, 4)
    for group in combinations(HEADS, size)
    if "prep" in group
]

train, dev = load_ppattach("train"), load_ppattach("dev")
X, X_dev = [heads(row) for row in train.data], [heads(row) for row in dev.data]
model = MaxEntClassifier(C=0.5, features=JointFeatures(TEMPLATES, bias=True), tol=1e-3)
model.fit(X, [train.target_names[k] for k in train.target])

right = model.score(X_dev, [dev.target_names[k] for k in dev.target])
print(f"{len(model.coef_):,} weights, {right:.1%} of {len(X_dev):,} decisions right (V: verb, N: noun)\n")
for sentence in ("raised money from investors", "held talks with officials", "sold stake in company"):
    print(explain(model, heads(sentence.split()), top=6), "\n")

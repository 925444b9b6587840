"""
Praise or blame: weighting words by their log-count ratio
=========================================================

Sentiment of sentences (Pang & Lee 2005). A word that nearly always praises should weigh more than one that
does so by a little, before any weight is learned: `LogCountRatioScaler` multiplies each column by the
logarithm of the ratio of its shares in the two classes (Wang & Manning 2012), which is its weight in a
naive-Bayes model. It learns from the labels, so that it belongs inside the Pipeline.
"""

from itertools import pairwise

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skmaxent import LogCountRatioScaler, MaxEntClassifier, explain
from skmaxent.datasets import load_sentence_polarity


def features(sentence):
    """Words, pairs of words, and the first letters of words."""
    words = sentence.split()
    return words + [f"{a} {b}" for a, b in pairwise(words)] + [f"{word[:4]}-" for word in words]


corpus = load_sentence_polarity()
labels = np.array(corpus.target_names)[corpus.target]
folds = StratifiedKFold(3, shuffle=True, random_state=0)
for name, steps in (("plain", []), ("weighted by log-count ratios", [LogCountRatioScaler()])):
    columns = CountVectorizer(analyzer=features, binary=True)
    model = make_pipeline(columns, *steps, MaxEntClassifier(C=0.3, tol=1e-2))
    print(f"{name:30} {cross_val_score(model, corpus.data, labels, cv=folds).mean():.1%}")
model.fit(corpus.data, labels)
print()
print(explain(model, "a dull film with a few fine moments .", top=8))

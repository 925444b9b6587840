"""
What kind of answer does a question ask for?
============================================

Question classification (Li & Roth 2002): a person, a place, a number, ... The features are a function that
gives a list of str, `CountVectorizer(analyzer=...)` makes columns of them, and the votes tell why.
"""

from itertools import pairwise

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from skmaxent import MaxEntClassifier, explain
from skmaxent.datasets import load_trec_questions


def features(question):
    """Words, pairs of words, how the question begins, and the ends of its words."""
    words = question.lower().split()
    found = words + [f"{a} {b}" for a, b in pairwise(words)]
    found += [f"first={words[0]}", f"first two={' '.join(words[:2])}", f"first three={' '.join(words[:3])}"]
    return found + [f"ends in {word[-3:]}" for word in words if len(word) > 4]


train, test = load_trec_questions("train"), load_trec_questions("test")
names = np.array(train.target_names)
model = make_pipeline(CountVectorizer(analyzer=features, binary=True), MaxEntClassifier(C=10, tol=1e-3))
model.fit(train.data, names[train.target])
print(f"{model.score(test.data, names[test.target]):.1%} of {len(test.data)} questions right\n")
for question in ("Who painted the ceiling of the Sistine Chapel ?", "What city hosted the first Olympics ?"):
    print(question)
    print(explain(model, question, top=6), "\n")

"""
Which meaning of "line"?
========================

Word-sense disambiguation (Leacock, Towell & Voorhees 1993): a telephone line, a line of people, a line of
text, ... The words right beside it tell most, the words of the whole sentence the rest.
"""

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from skmaxent import MaxEntClassifier, top_features
from skmaxent.datasets import load_senseval2


def features(occurrence):
    """Words by their distance from the head, pairs of them, and all words in any place."""
    tokens, head = occurrence
    word = dict(enumerate((token.lower() for token in tokens), -head))
    found = [f"{k:+d} {word.get(k)}" for k in (-3, -2, -1, 0, 1, 2, 3)]
    found += [f"{a:+d}{b:+d} {word.get(a)} {word.get(b)}" for a, b in ((-2, -1), (-1, 0), (-1, 1), (1, 2))]
    return found + [token for k, token in word.items() if k and token.isalpha()]


corpus = load_senseval2("line")
occurrences = list(zip(corpus.data, corpus.head.tolist()))
senses = np.array(corpus.target_names)[corpus.target]
model = make_pipeline(
    CountVectorizer(analyzer=features, binary=True), MaxEntClassifier(min_count=2, tol=1e-2)
)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
predicted = cross_val_predict(model, occurrences, senses, cv=folds)
print(
    f"{np.mean(predicted == senses):.1%} of {len(senses):,} occurrences right, each by a model without it\n"
)
for sense in np.unique(senses):
    print(f"{sense:10} {np.mean(predicted[senses == sense] == sense):6.1%}")
print("\nWhat speaks for and against the line of a telephone:\n")
print(top_features(model.fit(occurrences, senses), n=8, class_="phone"))

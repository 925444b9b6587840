"""
Noun phrases and verb phrases: chunking
=======================================

The shared task of CoNLL-2000. Words come with their parts of speech; the two kinds of tagger have the same
features, and their figures are close: `MaxEntTagger` normalises at each word, `CRFTagger` over the sentence.
"""

from skmaxent import CRFTagger, MaxEntTagger, TokenFeatures
from skmaxent.datasets import load_conll2000
from skmaxent.sequences import span_f1_score, window


def features(sentence, i):
    """Words and parts of speech within two, alone and in pairs."""
    words, parts = zip(*sentence[max(i - 2, 0) : i + 3])
    place, around = min(i, 2), (-2, -1, 0, 1, 2, (-2, -1), (-1, 0), (0, 1), (1, 2))
    return window(words, place, around) | window(parts, place, (*around, (-1, 0, 1)), "pos")


train, test = load_conll2000("train"), load_conll2000("test")
X, X_test = ([list(zip(*pair)) for pair in zip(corpus.data, corpus.pos)] for corpus in (train, test))
encode = TokenFeatures(features)
sentences, new = encode.fit_transform(X[:2000]), encode.transform(X_test)
for tagger in (MaxEntTagger(scheme="IOB2"), CRFTagger(scheme="IOB2")):
    tagger.fit(sentences, train.tags[:2000])
    predicted = tagger.predict(new)
    print(f"{type(tagger).__name__:13} F {span_f1_score(test.tags, predicted):.1%} from 2,000 sentences")
    print("  " + " ".join(f"{word}/{tag}" for word, tag in zip(test.data[7], predicted[7])))

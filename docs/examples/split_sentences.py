"""
Where does a sentence end?
==========================

A full stop may end a sentence, an abbreviation or both, and on the web many sentences end without one. The
text is one long list of words; each is told apart by what stands around it, with `MaxEntTagger` on documents
of the English Web Treebank whose sentences were run together.
"""

from itertools import groupby

from skmaxent import MaxEntTagger, TokenFeatures
from skmaxent.datasets import load_ud_ewt
from skmaxent.sequences import flat_f1_score, window, word_shape


def features(words, i):
    """The word and its neighbours, as they are and as shapes, alone and together."""
    near, place = words[max(i - 2, 0) : i + 3], min(i, 2)
    around = (-2, -1, 0, 1, 2, (-1, 0), (0, 1), (-1, 0, 1), (0, 1, 2))
    found = window([word.lower() for word in near], place, around)
    return found | window([word_shape(word) for word in near], place, around, "shape")


def documents(corpus):
    """The words of each document, and "end" or "in" for each."""
    X, y = [], []
    for _, numbers in groupby(range(len(corpus.data)), key=lambda i: corpus.sent_ids[i].rpartition("-")[0]):
        sentences = [corpus.data[i] for i in numbers]
        X.append([word for sentence in sentences for word in sentence])
        y.append([tag for sentence in sentences for tag in ["in"] * (len(sentence) - 1) + ["end"]])
    return X, y


X, y = documents(load_ud_ewt("train"))
X_dev, y_dev = documents(load_ud_ewt("dev"))
encode, tagger = TokenFeatures(features), MaxEntTagger()
tagger.fit(encode.fit_transform(X[:150]), y[:150])
predicted = tagger.predict(encode.transform(X_dev))
print(f"F of the ends {flat_f1_score(y_dev, predicted, labels=['end']):.1%}\n")
text = "Mr. Smith lives in the U.S. now . He left London in May thanks for asking !".split()  # noqa: SIM905
(tags,) = tagger.predict(encode.transform([text]))
print(" ".join(word + (" |" if tag == "end" else "") for word, tag in zip(text, tags)))

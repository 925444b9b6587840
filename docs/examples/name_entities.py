"""
Who, where, which company? Named entities as tags
=================================================

An entity of several words is a B- tag and I- tags after it. `CRFTagger` is the linear-chain conditional
random field of CRFsuite and sklearn-crfsuite; with a scheme it never gives an I- tag that has no beginning.
Entities are counted as conlleval counts them: right when type and both ends are.
"""

from skmaxent import CRFTagger, TokenFeatures
from skmaxent.datasets import load_conll2002_spanish
from skmaxent.sequences import affixes, span_report, spans, window, word_shape


def features(sentence, i):
    """Words, parts of speech and shapes within two; the letters of the word."""
    words, parts = zip(*sentence[max(i - 2, 0) : i + 3])
    place = min(i, 2)
    found = window([word.lower() for word in words], place, (-2, -1, 0, 1, 2, (-1, 0), (0, 1)))
    found |= window(parts, place, (-1, 0, 1, (-1, 0), (0, 1)), "pos")
    found |= window([word_shape(word) for word in words], place, (-2, -1, 0, 1, 2, (-1, 0, 1)), "shape")
    return found | affixes(words[place], 4)


train, dev = load_conll2002_spanish("train"), load_conll2002_spanish("dev")
encode = TokenFeatures(features)
X = [list(zip(words, parts)) for words, parts in zip(train.data[:2500], train.pos)]
X_dev = [list(zip(words, parts)) for words, parts in zip(dev.data, dev.pos)]
tagger = CRFTagger(scheme="IOB2").fit(encode.fit_transform(X), train.tags[:2500])
predicted = tagger.predict(encode.transform(X_dev))
print(span_report(dev.tags, predicted))
i = next(i for i, tags in enumerate(predicted) if len(spans(tags)) > 3)
print("\n" + " ".join(dev.data[i]))
for span in spans(predicted[i]):
    print(span)

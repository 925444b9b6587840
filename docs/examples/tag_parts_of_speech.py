"""
Noun or verb? A tagger of parts of speech
=========================================

A sentence is a list of words; the features of a word are a function of the sentence and a position, and the
tagger also sees the tags before. `MaxEntTagger` learns from the first 3,000 sentences of the English Web
Treebank in a few seconds; with all of them it is right for about 95 words in 100.
"""

from skmaxent import MaxEntTagger, TokenFeatures
from skmaxent.datasets import load_ud_ewt
from skmaxent.sequences import affixes, flat_accuracy_score, window, word_shape


def features(words, i):
    """The word, its first and last letters and its shape; the words within two, and pairs with the next."""
    lower = [word.lower() for word in words[max(i - 2, 0) : i + 3]]
    place = min(i, 2)
    found = {"word": lower[place], "shape": word_shape(words[i]), **affixes(lower[place], 4)}
    return found | window(lower, place, (-2, -1, 1, 2, (-1, 0), (0, 1)))


train, dev = load_ud_ewt("train"), load_ud_ewt("dev")
encode = TokenFeatures(features)
tagger = MaxEntTagger(history=("tag[-1]", "tag[-2] & tag[-1]"))
tagger.fit(encode.fit_transform(train.data[:3000]), train.upos[:3000])
predicted = tagger.predict(encode.transform(dev.data))
print(f"{flat_accuracy_score(dev.upos, predicted):.1%} of the words of {len(dev.data):,} sentences right\n")
for sentence in ("Time flies like an arrow .", "Fruit flies like a banana ."):
    words = sentence.split()
    print(" ".join(f"{word}/{tag}" for word, tag in zip(words, tagger.predict(encode.transform([words]))[0])))

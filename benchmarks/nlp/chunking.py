"""Chunking: where do noun phrases, verb phrases and the like begin and end?"""

from operator import itemgetter

from skmaxent import CRFTagger, MaxEntTagger
from skmaxent.datasets import load_conll2000
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
    """Words within two and parts of speech within three, alone and joined; letters and shapes."""
    words, parts = zip(*sentence[max(i - 3, 0) : i + 4])
    place, lower = min(i, 3), sentence[i][0].lower()
    found = window(words, place, (-2, -1, 0, 1, 2, (-1, 0), (0, 1)))
    pairs, triples = ((-2, -1), (-1, 0), (0, 1), (1, 2)), ((-2, -1, 0), (-1, 0, 1), (0, 1, 2))
    fours = ((-2, -1, 0, 1), (-1, 0, 1, 2))
    found |= window(parts, place, (-3, -2, -1, 0, 1, 2, 3, *pairs, *triples, *fours), "pos")
    found |= window([word_shape(word) for word in words], place, (0, (-1, 0, 1)), "shape")
    found |= {"lower": lower, **affixes(lower, 4)}
    mixed = [f"{word.lower()}/{part}" for word, part in zip(words, parts)]
    found |= {
        "word[0]|pos[1]": f"{words[place]}|{found['pos[1]']}",
        "pos[-1]|word[0]": f"{found['pos[-1]']}|{words[place]}",
        "word[0]|pos[0]": f"{words[place]}|{parts[place]}",
    }
    return found | window(mixed, place, (0,), "both")


def load(test="test"):
    return *sentences(load_conll2000("train")), *sentences(load_conll2000(test))


TASK = Task(
    name="chunking",
    title="chunking, CoNLL-2000",
    protocol="8,936 sentences (211,727 words) to train, 2,012 to test; F of chunks by conlleval",
    choices="features, and C of the CRF in {1, 2, 4}, on the last tenth of the training sentences",
    tried="a smaller set of features, for which the test set was read once before (93.77, C = 2): without "
    "shapes of neighbours, letters in lower case, and four parts of speech together",
    published="MaxEnt 91.97 (Koeling 2000), 91.94 (Osborne 2000); SVM 93.48; baseline 77.07",
    goal=93.8,
    load=load,
    score=spans_found,
    features=tokens_by(features),
    direct={"majority": lambda: MostFrequentTag(itemgetter(1))},
    models={
        **token_models(),
        "MaxEntTagger": lambda: MaxEntTagger(sparse_maxent(), history=ORDER_2, scheme="IOB2"),
        "CRFTagger": lambda: CRFTagger(scheme="IOB2"),
    },
)

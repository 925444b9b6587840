"""What the tasks with sentences share: the models that see no other tag, and the baseline."""

from collections import Counter, defaultdict

from sklearn.base import BaseEstimator
from sklearn.naive_bayes import MultinomialNB

from skmaxent import BackpropMLPClassifier, MaxEntClassifier, MaxEntTagger, TokenFeatures
from skmaxent.sequences import flat_accuracy_score, span_f1_score

# The history of a MaxEntTagger that sees the two tags before a token.
ORDER_2 = ("tag[-1]", "tag[-2] & tag[-1]")


class MostFrequentTag(BaseEstimator):
    """The tag that a token had most often; for unknown ones that of most tokens.

    Parameters
    ----------
    key : callable
        What a token is known by.
    """

    def __init__(self, key):
        self.key = key

    def fit(self, X, y):
        counts = defaultdict(Counter)
        for sentence, tags in zip(X, y):
            for token, tag in zip(sentence, tags):
                counts[self.key(token)][tag] += 1
        self.tags_ = {key: tags.most_common(1)[0][0] for key, tags in counts.items()}
        self.tag_ = sum(counts.values(), Counter()).most_common(1)[0][0]
        return self

    def predict(self, X):
        return [[self.tags_.get(self.key(token), self.tag_) for token in sentence] for sentence in X]


def sparse_maxent(C=1.0):
    """A model with weights for what occurs, in the precision that tags need."""
    return MaxEntClassifier(C=C, features="observed", tol=1e-2)


def token_models(C=1.0, alpha=0.1, network=None):
    """The models that look at one token at a time, by their names."""

    def alone(classifier):
        return MaxEntTagger(classifier, history=[], decoder="greedy")

    network = {"hidden_layer_sizes": (64,), "dropout": 0.3, "max_iter": 3} | (network or {})
    return {
        "naive Bayes": lambda: alone(MultinomialNB(alpha=alpha)),
        "MaxEnt": lambda: alone(sparse_maxent(C)),
        "network": lambda: alone(BackpropMLPClassifier(random_state=0, **network)),
    }


def tokens_by(function):
    """The features of the tokens of sentences by a function of a sentence and a place."""
    return TokenFeatures(function).transform


def tokens_right(truth, predicted, X):
    return {"accuracy": flat_accuracy_score(truth, predicted)}


def spans_found(truth, predicted, X):
    return {"F": span_f1_score(truth, predicted)}


def sentences(corpus):
    """Sentences of (word, part of speech), and their tags, of a corpus in columns."""
    X = [list(zip(words, parts)) for words, parts in zip(corpus.data, corpus.pos)]
    return X, corpus.tags

"""Which tags decoding may give: tags of words in a dictionary, legal steps of a scheme, as costs."""

from itertools import chain

import numpy as np

from ...sequences.local import ILLEGAL, UNLISTED
from ...sequences.tags import legal_transitions


def words_of(sentences, key):
    """The word of each token, or None: the value of a key, or of a feature "key=value" in a collection."""
    prefix = f"{key}="
    words = []
    for token in chain.from_iterable(sentences):
        word = token.get(key) if hasattr(token, "get") else None
        if word is None and not hasattr(token, "get"):
            word = next((name[len(prefix) :] for name in token if name.startswith(prefix)), None)
        words.append(word if isinstance(word, str) else None)
    return words


def learn_dictionary(data, tag_dictionary, key):
    """From words to lists of tags, as the user gives it or as training sentences show it; or None.

    Parameters
    ----------
    data : TaggedSentences
    tag_dictionary : dict, bool, int or None
        An int is the least number of occurrences of a word.
    key : str
        Of the feature that is the word.

    Raises
    ------
    ValueError
        If no token has a word.
    """
    if tag_dictionary is None or tag_dictionary is False:
        return None
    if isinstance(tag_dictionary, dict):
        for word, tags in tag_dictionary.items():
            if isinstance(tags, str) or not hasattr(tags, "__iter__"):
                raise ValueError(
                    "The 'tag_dictionary' parameter must map words to collections of tags. "
                    f"Got {tags!r} for {word!r} instead."
                )
        return {word: list(tags) for word, tags in tag_dictionary.items()}
    counts, tags_of = {}, {}
    for word, code in zip(words_of(data.sentences, key), data.codes.tolist()):
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
            tags_of.setdefault(word, set()).add(code)
    if not counts:
        raise ValueError(
            f"A tag dictionary needs words, and no token has a str as its feature {key!r}: name it by "
            "word_feature."
        )
    names, least = data.classes.tolist(), int(tag_dictionary)
    return {
        word: [names[k] for k in sorted(tags_of[word])] for word in sorted(counts) if counts[word] >= least
    }


def listed_tags(dictionary, classes, sentences, key):
    """Costs (number of different sets of tags + 1, K) and which of them each token has, (n,); or None.

    The first are for words that may have any tag; so may words whose tags are all unknown.
    """
    if dictionary is None:
        return None
    code = {tag: k for k, tag in enumerate(classes)}
    costs, number, of_word = [np.zeros(len(classes))], {(): 0}, {None: 0}
    for word, tags in dictionary.items():
        codes = tuple(sorted({code[tag] for tag in tags if tag in code}))
        if codes not in number:
            number[codes] = len(costs)
            cost = np.full(len(classes), UNLISTED)
            cost[list(codes)] = 0
            costs.append(cost)
        of_word[word] = number[codes]
    words = words_of(sentences, key)
    return np.array(costs), np.fromiter((of_word.get(word, 0) for word in words), np.intp, len(words))


def step_costs(classes, scheme, order):
    """Costs of each tag after each state, (number of states, K), and at the end, (K,); None without a scheme.

    Tags from which no legal sequence reaches an end cost at once.
    """
    if scheme is None:
        return None, None
    follows, starts, ends = legal_transitions(classes, scheme)
    useful = ends.copy()
    while (more := useful | (follows & useful).any(axis=1)).sum() > useful.sum():
        useful = more
    states = np.arange((len(classes) + 1) ** order) % (len(classes) + 1)
    legal = np.vstack([follows, starts])[states] & useful
    return np.where(legal, 0, ILLEGAL), np.where(ends, 0, ILLEGAL)


def token_costs(lengths, ends, listed, tokens, n_tags):
    """Costs (n, K) of the tags of the tokens of a batch; None without any.

    Parameters
    ----------
    lengths : intp ndarray of shape (S,)
        Of the sentences of the batch.
    ends : ndarray of shape (K,) or None
        Costs at the last token of a sentence.
    listed : tuple or None
        See `listed_tags`.
    tokens : slice
        The tokens of the batch among all.
    n_tags : int
    """
    if ends is None and listed is None:
        return None
    costs = np.zeros((int(lengths.sum()), n_tags)) if listed is None else listed[0][listed[1][tokens]]
    if ends is not None:
        costs[(np.cumsum(lengths) - 1)[lengths > 0]] += ends
    return costs

"""Small tagged sentences, made by chance, and the probabilities of a tagger by their definition."""

from itertools import product

import numpy as np
from scipy import sparse

WORDS = {"DET": ["the", "a"], "NOUN": ["dog", "park", "walk", "saw"], "VERB": ["walk", "saw", "park", "runs"]}
NEXT = {"<s>": "DDN", "DET": "NNNN", "NOUN": "VVDN", "VERB": "DDN"}
NAMES = {"D": "DET", "N": "NOUN", "V": "VERB"}


def sentences(n, seed=0, longest=6):
    """Lists of dicts of features and of tags, for n sentences; some are empty."""
    random = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        tokens, tags, before = [], [], "<s>"
        for i in range(random.integers(0, longest + 1)):
            tag = NAMES[str(random.choice(list(NEXT[before])))]
            word = str(random.choice(WORDS[tag]))
            tokens.append({"word": word, "end": word[-1], "first": i == 0, "length": len(word) / 4})
            tags.append(tag)
            before = tag
        X.append(tokens)
        y.append(tags)
    return X, y


def chunks(n, seed=0):
    """Sentences whose tags mark noun phrases, in IOB2."""
    X, y = sentences(n, seed)
    kinds = {"DET": "B-NP", "NOUN": "I-NP", "VERB": "O"}
    tags = [[kinds[tag] for tag in row] for row in y]
    for row in tags:
        for i, tag in enumerate(row):
            if tag == "I-NP" and (i == 0 or row[i - 1] == "O"):
                row[i] = "B-NP"
    return X, tags


def features_of(token, tags, history):
    """Names and values of the features of a token after tags, by their definition."""
    found = {}
    for key, value in token.items():
        found[f"{key}={value}" if isinstance(value, str) else key] = 1.0 if isinstance(value, str) else value
    padded = ["<s>", "<s>", *tags]
    for template in history:
        parts = []
        for part in template.split(" & "):
            if part.startswith("tag"):
                parts.append(f"{part}={padded[-int(part[5])]}")
            elif isinstance(token[part], bool):
                parts.append(part if token[part] else None)
            else:
                parts.append(f"{part}={token[part]}")
        if None not in parts:
            found[" & ".join(parts)] = 1.0
    return found


def step_probabilities(tagger, token, tags):
    """Probability of each tag of a token after tags."""
    names = tagger.feature_names_.tolist()
    row = np.zeros((1, len(names)), np.float32)
    for name, value in features_of(token, tags, tagger.history).items():
        if name in names:
            row[0, names.index(name)] = value
    proba = tagger.classifier_.predict_proba(sparse.csr_matrix(row))[0]
    return dict(zip(tagger.classifier_.classes_.tolist(), proba.tolist()))


def all_sequences(tagger, sentence):
    """Every sequence of tags of a sentence, with its probability."""
    classes = tagger.classes_.tolist()
    steps = {}

    def step(prefix):
        if prefix not in steps:
            steps[prefix] = step_probabilities(tagger, sentence[len(prefix)], prefix)
        return steps[prefix]

    found = {}
    for tags in product(classes, repeat=len(sentence)):
        found[tags] = np.prod([step(tags[:i])[tag] for i, tag in enumerate(tags)])
    return found

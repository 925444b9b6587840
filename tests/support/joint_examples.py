"""Features f(c, d) and data that the tests of joint features share."""

import unicodedata

import numpy as np

CLASSES = ["LOCATION", "DRUG", "PERSON"]


def in_capitalised(c, d):
    return c == "LOCATION" and d[0] == "in" and d[1][:1].isupper()


def accented_latin(c, d):
    return c == "LOCATION" and any(unicodedata.decomposition(letter) for letter in d[1])


def ends_in_c(c, d):
    return c == "DRUG" and d[1].endswith("c")


def length(c, d):
    return len(d[1]) / 10 if c == "PERSON" else 0


FUNCTIONS = [in_capitalised, accented_latin, ends_in_c, length]


def names_data(n=200, seed=0):
    """Data (previous word, word) with noisy labels, so that no prior is needed."""
    rng = np.random.default_rng(seed)
    data = [
        (
            rng.choice(["in", "take", "saw"]).item(),
            rng.choice(["Québec", "Zantac", "Sue", "mac", "Lviv"]).item(),
        )
        for _ in range(n)
    ]
    truth = ["LOCATION" if p == "in" else "DRUG" if w[-1] == "c" else "PERSON" for p, w in data]
    return data, [c if rng.random() < 0.6 else rng.choice(CLASSES).item() for c in truth]


def dict_data(n=150, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    data = [{key: f"v{rng.integers(6)}" for key in ("a", "b", "c")} for _ in range(n)]
    shift = np.array([int(d["a"][1]) % n_classes for d in data])
    y = np.where(rng.random(n) < 0.6, shift, rng.integers(n_classes, size=n))
    return data, np.array(["ant", "bee", "cat"])[y]

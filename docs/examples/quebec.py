"""
The example on the blackboard: three features, three weights, one probability
=============================================================================

Is "Québec" in "in Québec" a place, a drug or a person? Three functions f(c, d) of a class c and a datum d
each have a weight. Every function that is true votes with its weight for its class, and the softmax makes
probabilities of the sums of the votes. The second half learns such weights from a small set of examples and
shows what they are: those for which every feature is expected as often as it is observed.
"""

import unicodedata

import numpy as np

from skmaxent import Joined, JointFeatures, MaxEntClassifier, explain

CLASSES = ["LOCATION", "DRUG", "PERSON"]


def in_capitalised(c, d):
    """[c = LOCATION, the previous word is "in", the word is capitalised]"""
    return c == "LOCATION" and d["previous"] == "in" and d["word"][0].isupper()


def accented_latin(c, d):
    """[c = LOCATION, the word has an accented Latin letter]"""
    return c == "LOCATION" and any(
        unicodedata.name(letter, "").startswith("LATIN") and unicodedata.decomposition(letter)
        for letter in d["word"]
    )


def ends_in_c(c, d):
    """[c = DRUG, the word ends in "c"]"""
    return c == "DRUG" and d["word"].endswith("c")


EXAMPLES = [
    ("LOCATION", "in Arcadia"),
    ("LOCATION", "in Québec"),
    ("LOCATION", "near Québec"),
    ("LOCATION", "in Rome"),
    ("DRUG", "taking Zantac"),
    ("DRUG", "taking Prozac"),
    ("DRUG", "in Zantac"),
    ("DRUG", "taking aspirin"),
    ("PERSON", "saw Sue"),
    ("PERSON", "in Isaac"),
    ("PERSON", "with Éric"),
    ("PERSON", "in Prince"),
]


def datum(phrase):
    previous, word = phrase.split()
    return {"previous": previous, "word": word}


# %%
# The weights of the blackboard need no training.

np.set_printoptions(precision=3, suppress=True)

features = JointFeatures([in_capitalised, accented_latin, ends_in_c])
model = MaxEntClassifier.from_weights(features=features, classes=CLASSES, coef=[1.8, -0.6, 0.3])
quebec = datum("in Québec")
print('The weights on the blackboard, and "in Québec":\n')
votes = explain(model, quebec)
print(votes)
print("\nexp(score) / sum of exp(score):")
for c, p in zip(model.classes_, model.predict_proba([quebec])[0]):
    print(f"  p({c} | in Québec) = {p:.3f}")

# %%
# A contrast asks what separates two classes.

print("What separates LOCATION from DRUG:\n")
print(explain(model, quebec, contrast=("LOCATION", "DRUG")))

# %%
# Weights learned from examples, without a prior: every feature is expected as often as it is observed.

labels, data = [c for c, _ in EXAMPLES], [datum(phrase) for _, phrase in EXAMPLES]
learned = MaxEntClassifier(features=features, C=np.inf).fit(data, labels)
print(f"Weights learned from {len(data)} examples, without a prior:\n")
columns = (
    learned.joint_feature_names_,
    learned.coef_,
    learned.observed_counts(data, labels),
    learned.expected_counts(data),
)
print(f"  {'feature':16} {'weight':>8} {'observed':>9} {'expected':>9}")
for name, weight, observed, expected in zip(*columns):
    print(f"  {name:16} {weight:8.3f} {observed:9.4f} {expected:9.4f}")
print(f"\n  p(c | in Québec) = {learned.predict_proba([quebec])[0]} for {learned.classes_}")

# %%
# The same kind of model from templates: every previous word, and the last letter, with every class they were
# seen with. The prior keeps the weights of rare pairs small.


def last_letter(d):
    return d["word"][-1]


templates = JointFeatures([Joined("previous", min_count=1), Joined(last_letter, min_count=1)], bias=True)
richer = MaxEntClassifier(features=templates, C=1.0).fit(data, labels)
print(f"Templates make {len(richer.coef_)} features of the same examples:\n")
print(explain(richer, quebec))
print(
    f"\nThe objective is within {richer.convergence_['relative_gap']:.0e} of its minimum (relative), "
    f"after {richer.n_iter_[0]} iterations."
)

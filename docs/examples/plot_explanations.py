"""
Eight pictures of a model
=========================

All Displays on small data: the votes of one prediction and of many, the weights of classes, the way of a fit
to its optimum, the path of a Laplace prior, the loss of a network, and what taggers know of the order of tags
and of a sentence.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmaxent import (
    BackpropMLPClassifier,
    CoefficientsDisplay,
    ConvergenceDisplay,
    CRFTagger,
    HiddenStatesDisplay,
    LossCurveDisplay,
    MaxEntClassifier,
    MaxEntClassifierCV,
    PathDisplay,
    RecurrentTagger,
    TokenFeatures,
    TransitionsDisplay,
    VotesDisplay,
    VoteSummaryDisplay,
)
from skmaxent.datasets import load_docstrings
from skmaxent.sequences import word_features

docs = load_docstrings(min_documents=150)
labels = np.array(docs.target_names)[docs.target]
model = make_pipeline(TfidfVectorizer(sublinear_tf=True), MaxEntClassifier(C=10)).fit(docs.data, labels)

# %%
# Why this class? Votes for it point to the right, votes against it to the left.

VotesDisplay.from_estimator(model, "Compute the eigenvalues of a sparse matrix.")
plt.show()

# %%
# And over many texts? A point is the vote of a word in one of them, coloured by its value; what decides most
# stands on top.

some = [text for text, label in zip(docs.data, labels) if label == "scipy.stats"][:100]
VoteSummaryDisplay.from_estimator(model, some, class_="scipy.stats")
plt.show()

# %%
# What did the model learn of two classes?

CoefficientsDisplay.from_estimator(model, n=8, classes=["scipy.sparse", "scipy.stats"])
plt.show()

# %%
# How did the fit come to its end? The gap is the proof: the minimum is at most so far below.

ConvergenceDisplay.from_estimator(model)
plt.show()

# %%
# A Laplace prior lets weights in one after another as C grows; cross-validation tells where to stop.

X, y = load_wine(return_X_y=True, as_frame=True)
X = StandardScaler().set_output(transform="pandas").fit_transform(X)
search = MaxEntClassifierCV(Cs=np.geomspace(0.01, 1, 20), l1_ratios=[1.0]).fit(X, y)
PathDisplay.from_estimator(search, class_=0)
plt.show()

# %%
# A network on the digits, with a validation set of its own.

X, y = load_digits(return_X_y=True)
mlp = BackpropMLPClassifier((50,), dropout=0.2, max_iter=60, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # as many epochs as the picture has
    mlp.fit(X[:1200] / 16, y[:1200], X_val=X[1200:] / 16, y_val=y[1200:])
LossCurveDisplay.from_estimator(mlp)
plt.show()

# %%
# Which tag follows which? Scores of the transitions of a conditional random field.

sentences = [["Anna", "Berg", "lives", "in", "Oslo"], ["Oslo", "is", "cold"], ["we", "met", "Anna"]] * 20
tags = [["B-PER", "I-PER", "O", "O", "B-LOC"], ["B-LOC", "O", "O"], ["O", "O", "B-PER"]] * 20
tagger = make_pipeline(TokenFeatures(word_features), CRFTagger()).fit(sentences, tags)
TransitionsDisplay.from_estimator(tagger)
plt.show()

# %%
# What does a recurrent network carry from word to word?

network = RecurrentTagger((12,), embedding_size=12, max_iter=30, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    network.fit(sentences, tags)
HiddenStatesDisplay.from_estimator(network, sentences[0])
plt.show()

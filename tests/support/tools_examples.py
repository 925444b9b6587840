"""Small data that the tests of explanations and tools share."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmaxent import MaxEntClassifier

X, NUMBERS = load_iris(return_X_y=True)
Y = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]
TWO = NUMBERS > 0
ROW = X[77]
TEXTS = ["it is late because of rain", "to be or not to be", "the rain is late", "be on time"] * 3
LABELS = ["news", "poem", "news", "poem"] * 3


def scaled(model=None):
    return make_pipeline(StandardScaler(), MaxEntClassifier() if model is None else model)

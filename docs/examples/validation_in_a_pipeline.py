"""
A validation set of your own, inside a Pipeline
===============================================

Early stopping watches a validation set. `fit` takes one as `X_val` and `y_val`; inside a Pipeline those rows
must go through the same steps as the training rows. scikit-learn's `transform_input` does that: it names the
arguments of the last step that the steps before have to transform. It rests on metadata routing, so that is
switched on, and the network asks for the arguments.
"""

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmaxent import BackpropMLPClassifier
from skmaxent.datasets import load_docstrings

docs, labels = load_docstrings(return_X_y=True)
train, rest, y, y_rest = train_test_split(docs, labels, test_size=0.4, stratify=labels, random_state=0)
val, test, y_val, y_test = train_test_split(rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0)

with sklearn.config_context(enable_metadata_routing=True):
    network = BackpropMLPClassifier(
        early_stopping=True, scoring="loss", learning_rate_init=0.01, n_iter_no_change=3, random_state=0
    )
    network.set_fit_request(X_val=True, y_val=True)
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, dtype=np.float32), network, transform_input=["X_val"]
    )
    model.fit(train, y, X_val=val, y_val=y_val)

network = model[-1]
print(f"stopped after {network.n_iter_} epochs")
print(f"least validation loss {-network.best_validation_score_:.3f} nats")
print(f"test accuracy {model.score(test, y_test):.1%}")

"""
Loss curves on real text
========================

The words of the docstrings of NumPy, SciPy and scikit-learn, classified by the subpackage they come from: a
corpus that needs no download. Training and validation loss after each epoch for several networks; the dot
marks the best validation accuracy, where early stopping would end. Large networks fit the training set
perfectly: it is the validation loss that tells when to stop, and dropout that delays it.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

from skmaxent import BackpropMLPClassifier
from skmaxent.datasets import load_docstrings

warnings.simplefilter("ignore", ConvergenceWarning)
docs, labels = load_docstrings(return_X_y=True)
train, test, y, y_test = train_test_split(docs, labels, test_size=0.25, stratify=labels, random_state=0)
vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
X, X_test = vectorizer.fit_transform(train), vectorizer.transform(test)

NETWORKS = {
    "no hidden layer": {"hidden_layer_sizes": (), "learning_rate_init": 0.02},
    "100 units": {},
    "100 units, dropout 0.5": {"dropout": 0.5},
    "100 + 100 units": {"hidden_layer_sizes": (100, 100)},
}
fig, axes = plt.subplots(1, 4, figsize=(16, 4.4), sharey=True, layout="constrained")
for ax, (name, options) in zip(axes, NETWORKS.items()):
    mlp = BackpropMLPClassifier(**{"max_iter": 25, "batch_size": 100, "random_state": 0, **options})
    mlp.fit(X, y, X_val=X_test, y_val=y_test)
    epochs = np.arange(1, mlp.n_iter_ + 1)
    best = int(np.argmax(mlp.validation_scores_))
    ax.plot(epochs, mlp.loss_curve_, label="training")
    ax.plot(epochs, mlp.validation_loss_curve_, label="validation")
    ax.plot(epochs[best], mlp.validation_loss_curve_[best], "ko")
    ax.set(yscale="log", xlabel="epoch", title=f"{name}: {mlp.validation_scores_[best]:.1%}")
axes[0].set_ylabel("mean negative log-likelihood, nats")
axes[0].legend()
fig.suptitle(f"{X.shape[0]:,} docstrings, {X.shape[1]:,} words, {len(np.unique(y))} classes")
plt.show()

"""
How far back does a recurrent network learn from?
=================================================

Gradients by distance, for Elman, GRU and LSTM. Three taggers that read forward only are trained on UD English
EWT (one layer of 100 units, two epochs). For sentences cut to 41 tokens the gradient of the last state, in a
random direction, is taken with respect to the input of each token by backpropagation through time: its norm,
divided by that of the last token, over the distance. On the left with the weights that training starts from,
on the right with those after it; the medians are printed. The theory is in :doc:`/course_recurrence`.

``python docs/examples/plot_vanishing_gradients.py --first-token`` prints after how many batches each cell has
learnt sequences whose label is their first token and whose other tokens are noise.
"""

import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmaxent import RecurrentClassifier, RecurrentTagger
from skmaxent.datasets import load_ud_ewt
from skmaxent.estimators.common.sequence_data import to_sequences
from skmaxent.estimators.common.sequence_input import read_sequences
from skmaxent.nn.sequence_builder import Recurrent
from skmaxent.nn.training.sequence_batches import SequenceDataset

LENGTH, UNITS, EPOCHS = 41, 100, 2
CELLS = {"elman": "C3", "gru": "C1", "lstm": "C0"}


def gradient_norms(network, parameters, data, rng):
    """Norms (sentences, LENGTH) of the gradient of the last state by the inputs, the last token first."""
    graph = network.graph(parameters, parameters.like())
    batch, *_ = data.batch(np.arange(len(data)))
    graph.fprop(batch)
    layer = graph.boxes[2]
    n = len(data)
    direction = np.zeros((n * LENGTH, UNITS), dtype=np.float32)
    direction[-n:] = rng.normal(size=(n, UNITS))  # the rows of the last step
    dx = layer.bprop(direction).reshape(LENGTH, n, -1)
    norms = np.linalg.norm(dx, axis=2)[::-1].T
    return norms / norms[:, :1]


def main():
    train = load_ud_ewt("train")
    sentences = [words[:LENGTH] for words in train.data if len(words) >= LENGTH][:200]
    medians = {}
    for cell in CELLS:
        tagger = RecurrentTagger(UNITS, cell, bidirectional=False, max_iter=EPOCHS, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            tagger.fit(train.data, train.upos)
        given = read_sequences(tagger, sentences, False)
        sequences = to_sequences(given, tagger.vocabulary_, "affixes", np.float32)
        data = SequenceDataset(sequences, np.zeros(sequences.tokens.size, np.intp), per_token=True)
        network = Recurrent(
            len(tagger.vocabulary_) + 1, 100, (UNITS,), cell, False, None, tagger.classes_.size
        )
        start, trained = (network.parameters(np.float32) for _ in range(2))
        start.initialise(np.random.default_rng(0))
        for key, array in tagger.weights_.items():
            trained[key][:] = array
        for name, parameters in (("start", start), ("trained", trained)):
            norms = gradient_norms(network, parameters, data, np.random.default_rng(1))
            medians[cell, name] = np.median(norms, axis=0)
            shown = ", ".join(f"{k}: {medians[cell, name][k]:.1e}" for k in (1, 5, 10, 20, 40))
            print(f"{cell}, {name}: {shown}", flush=True)
    plot(medians)


def plot(medians):
    _, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    titles = {"start": "before training", "trained": f"after {EPOCHS} epochs of tagging English"}
    for ax, (name, title) in zip(axes, titles.items()):
        for cell, colour in CELLS.items():
            label = cell.upper() if cell != "elman" else "Elman"
            ax.semilogy(medians[cell, name], color=colour, label=label)
        ax.set(title=title, xlabel="distance in tokens")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("norm of the gradient, relative to distance 0")
    axes[0].legend()
    plt.show()


def first_token(shortest, longest, n_batches=960):
    """Train on ever new sequences until 99 % of 500 others are right; look after every 32 batches of 32."""

    def draw(n):
        y = rng.integers(0, 2, n)
        noise = [rng.integers(2, 22, rng.integers(shortest, longest + 1) - 1).tolist() for _ in range(n)]
        return [[int(label), *rest] for label, rest in zip(y, noise)], y

    for cell in CELLS:
        rng = np.random.default_rng(0)
        X_test, y_test = draw(500)
        model = RecurrentClassifier(
            UNITS, cell, bidirectional=False, pooling="last", embedding_size=20, features="word", min_count=1,
            dropout=0.0, word_dropout=0.0, random_state=0,
        )  # fmt: skip
        done, score = 0, 0.0
        while score < 0.99 and done < n_batches:
            model.partial_fit(*draw(32 * 32), classes=[0, 1])
            done, score = done + 32, model.score(X_test, y_test)
        print(f"{cell}, {shortest} to {longest} tokens: {score:.1%} right after {done} batches", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--first-token"]:
        first_token(15, 25)
        first_token(35, 45)
    else:
        main()

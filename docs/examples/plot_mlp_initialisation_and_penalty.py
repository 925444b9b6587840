"""
How initial weights and penalties shape training
================================================

Left: the loss of a network of three tanh layers on digits, for initial weights of several sizes, trained by
the parts of ``skmaxent.nn`` put together by hand. Weights of 0 leave all units of a layer equal for ever;
small ones let the gradient vanish from layer to layer; large ones saturate the units. Glorot's size, which
keeps the variance of activations and gradients alike in all layers, is what BackpropMLPClassifier uses.

Middle and right: the first weights of a network on the digits, one picture a hidden unit, with an L2 and
with an L1 penalty of about the same accuracy. L2 makes all weights small; L1 makes most of them exactly 0
(white).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmaxent import BackpropMLPClassifier
from skmaxent.nn.builders import FeedForward
from skmaxent.nn.losses import SoftmaxLoss
from skmaxent.nn.optimizers.rules import SGD
from skmaxent.nn.training.batches import Dataset
from skmaxent.nn.training.trainer import Trainer
from skmaxent.numerics.threads import BlockRunner

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)


def loss_curve(scale, epochs=60):
    """Training losses from Glorot's initial weights times `scale`."""
    rng = np.random.default_rng(0)
    network = FeedForward((64, 50, 50, 50, 10), "tanh")
    parameters, gradients = (network.parameters(np.float64) for _ in range(2))
    parameters.initialise(rng)
    parameters.vector *= scale
    with BlockRunner(1) as run:
        trainer = Trainer(network.graph(parameters, gradients), SoftmaxLoss(), SGD(), [], run, lazy=False)
        data = Dataset(X, y)
        return [trainer.epoch(data, data.batches(rng.permutation(len(data)), 20), 0.1) for _ in range(epochs)]


fig = plt.figure(figsize=(15, 5), layout="constrained")
left, middle, right = fig.subfigures(1, 3, width_ratios=[1.1, 1, 1])
ax = left.subplots()
for scale, label in ((0, "all 0"), (0.1, "a tenth of Glorot's"), (1, "Glorot's"), (20, "20 times Glorot's")):
    ax.plot(range(1, 61), loss_curve(scale), label=label)
ax.set(
    yscale="log",
    xlabel="epoch",
    ylabel="training loss, nats",
    title="Three hidden layers of tanh, initial weights",
)
ax.legend()
for part, l1_ratio, alpha in ((middle, 0.0, 4.0), (right, 1.0, 0.8)):
    mlp = BackpropMLPClassifier(
        (20,), "tanh", solver="lbfgs", alpha=alpha, l1_ratio=l1_ratio, max_iter=3000, random_state=0
    )
    mlp.fit(X, y)
    w = mlp.coefs_[0]
    part.suptitle(
        f"{'L1' if l1_ratio else 'L2'}, alpha={alpha}: {np.mean(w == 0):.0%} of the first weights are 0,\n"
        f"test accuracy {mlp.score(X_test, y_test):.1%}"
    )
    for k, ax in enumerate(part.subplots(4, 5).ravel()):
        ax.imshow(w[:, k].reshape(8, 8), cmap="RdBu_r", vmin=-np.abs(w).max() / 2, vmax=np.abs(w).max() / 2)
        ax.set(xticks=[], yticks=[])
plt.show()

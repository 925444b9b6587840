"""
The capacity of a network
=========================

Without a hidden layer a network draws straight lines, and XOR is out of its reach (Minsky & Papert 1969).
Each hidden unit adds a fold to the boundary. Here are networks with 0, 3, 6 and 20 hidden units on XOR and
on two spirals: probabilities as colour, the training set as dots.
"""

import matplotlib.pyplot as plt
import numpy as np

from skmaxent import BackpropMLPClassifier

rng = np.random.default_rng(0)


def xor(n=200):
    X = rng.uniform(-1, 1, (n, 2))
    return X, (X[:, 0] * X[:, 1] < 0).astype(int)


def spirals(n=300):
    angle = np.sqrt(rng.uniform(0.02, 1, n)) * 2.5 * np.pi
    y = np.arange(n) % 2
    side = np.where(y, 1, -1) * angle / (2.5 * np.pi)
    X = np.column_stack([side * np.cos(angle), side * np.sin(angle)])
    return X + rng.normal(0, 0.02, (n, 2)), y


SIZES = (0, 3, 6, 20)
fig, axes = plt.subplots(2, len(SIZES), figsize=(13, 6.6), layout="constrained")
u, v = np.meshgrid(*[np.linspace(-1.15, 1.15, 200)] * 2)
grid = np.column_stack([u.ravel(), v.ravel()])
for row, (name, make) in zip(axes, (("XOR", xor), ("spirals", spirals))):
    X, y = make()
    for ax, size in zip(row, SIZES):
        mlp = BackpropMLPClassifier(
            (size,) if size else (),
            "tanh",
            solver="lbfgs",
            alpha=1e-5 * len(X),
            max_iter=3000,
            random_state=0,
        ).fit(X, y)
        p = mlp.predict_proba(grid)[:, 1].reshape(u.shape)
        ax.pcolormesh(u, v, p, cmap="RdBu_r", vmin=0, vmax=1, shading="auto", alpha=0.75, rasterized=True)
        ax.contour(u, v, p, [0.5], colors="k", linewidths=1)
        ax.scatter(*X.T, c=y, cmap="RdBu_r", s=9, edgecolor="k", linewidth=0.3)
        ax.set(
            title=f"{name}, {size} hidden units: {mlp.score(X, y):.0%} right",
            xticks=[],
            yticks=[],
            aspect="equal",
        )
plt.show()

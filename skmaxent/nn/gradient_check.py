"""Compare bprop with derivatives taken from fprop alone."""

from collections.abc import Sequence

import numpy as np

from .builders import FeedForward
from .losses import LOSSES
from .sequence_builder import Recurrent
from .steps import Steps


def check_gradient(
    sizes: Sequence[int],
    activation: str = "relu",
    *,
    X: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    output: str = "softmax",
    method: str = "complex-step",
    seed: int = 0,
    cell: str | None = None,
) -> dict[str, float]:
    """Check backpropagation box by box on a small network.

    Every box of the flow graph is treated as a function of its input and, where it has them, its weights
    and biases. For a random direction of its output the gradient that bprop computes is compared with the
    derivative of fprop.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activation : str, default="relu"
        Activation function of the hidden units.
    X : ndarray of shape (n, sizes[0]), optional
        Inputs; 7 random rows by default. With `cell` a list of arrays (T, sizes[0]), one a sequence.
    targets : ndarray, optional
        Targets of the loss box: class codes (n,) or masses (n, K). Random by default.
    output : {"softmax", "logistic"}, default="softmax"
        The output layer, and with it the loss.
    method : {"complex-step", "central"}, default="complex-step"
        "complex-step": ``Im f(x + ih) / h`` with h = 1e-30, exact to rounding (Squire & Trapp 1998).
        "central": ``(f(x + h) - f(x - h)) / 2h`` with h = 6e-6, right to about 1e-9.
    seed : int, default=0
        Of the random inputs, weights and directions.
    cell : {"elman", "gru", "lstm"}, optional
        Check a recurrent network instead, in both directions of time, with scores of every token; `sizes`
        has the units of a direction, and rows and targets are those of the packed batch (see `Steps`).

    Returns
    -------
    errors : dict
        For each box and quantity, such as "2 Affine weights" (of boxes in parallel also the number of the
        part: "1 Parallel 2 recurrent"), the largest error relative to the largest
        derivative (or to 1, where all are smaller).

    Raises
    ------
    ValueError
        For an unknown method.

    See Also
    --------
    BackpropMLPClassifier : A network of such boxes.
    RecurrentClassifier : A recurrent one.

    Examples
    --------
    >>> from skmaxent import check_gradient
    >>> max(check_gradient((5, 4, 3), "tanh").values()) < 1e-10
    True
    >>> max(check_gradient((3, 4, 2), cell="lstm").values()) < 1e-10
    True
    """
    if method not in ("complex-step", "central"):
        raise ValueError(f"method must be 'complex-step' or 'central'. Got {method!r} instead.")
    rng = np.random.default_rng(seed)
    if cell is not None:
        graph, x = _recurrent(sizes, cell, X, rng)
    else:
        x = rng.normal(size=(7, sizes[0])) if X is None else np.asarray(X, dtype=float)
        graph = _random_graph(FeedForward(sizes, activation), rng)
        graph.first.input_gradient = True
    x, errors = check_boxes(graph, x, rng, method)
    if targets is None:
        targets = rng.random(x.shape) if output == "logistic" else rng.integers(0, sizes[-1], len(x))
    weights = rng.random(len(x))
    loss = LOSSES[output]()
    loss.fprop(x, targets, weights)
    gradient = loss.bprop().copy()
    wanted = _differentiate(lambda scores: loss.fprop(scores, targets, weights), x, method)
    errors[f"{len(graph.boxes) + 1} {type(loss).__name__} input"] = float(np.abs(gradient - wanted).max())
    return errors


def _random_graph(network, rng):
    parameters = network.parameters(np.float64)
    parameters.vector[:] = rng.normal(size=parameters.vector.size)
    return network.graph(parameters, parameters.like())


def _recurrent(sizes, cell, X, rng):
    """A recurrent network of random weights, and its packed input."""
    if X is None:
        X = [rng.normal(size=(n, sizes[0])) for n in (2, 4, 1)]
    lengths = np.array([len(x) for x in X])
    graph = _random_graph(Recurrent(sizes[0], None, sizes[1:-1], cell, True, None, sizes[-1]), rng)
    for part in graph.first.parts:
        part.input_gradient = True
    graph.steps, graph.index = Steps(lengths), None
    rows = graph.steps.rows_of(np.cumsum(lengths) - lengths)
    return graph, np.concatenate([np.asarray(x, dtype=float) for x in X])[rows]


def check_boxes(graph, x, rng, method):
    """Compare bprop of each box of a graph with derivatives of its fprop, by its input and its parameters.

    Returns
    -------
    scores : ndarray
    errors : dict
        As of `check_gradient`.
    """
    errors = {}
    for number, box in enumerate(graph.boxes, 1):
        direction = rng.normal(size=box.fprop(x).shape)

        def value(z, box=box, direction=direction):
            return (box.fprop(z) * direction).sum()

        box.fprop(x)
        computed = {"input": box.bprop(direction.copy()).copy()}
        wanted = {"input": _differentiate(value, x, method)}
        for label, holder, own in _own_parameters(box):
            computed[label], held = getattr(holder, f"d_{own}").copy(), getattr(holder, own)

            def value_of_parameter(w, holder=holder, own=own, x=x, value=value):
                setattr(holder, own, w)
                return value(x)

            wanted[label] = _differentiate(value_of_parameter, held, method)
            setattr(holder, own, held)
        for name, gradient in computed.items():
            error = np.abs(gradient - wanted[name]).max() / max(1.0, np.abs(wanted[name]).max())
            errors[f"{number} {type(box).__name__} {name}"] = float(error)
        x = box.fprop(x).copy()
    return x, errors


def _own_parameters(box):
    """(label, holder, name) of the parameters of a box, and of the boxes that are its parts."""
    yield from ((own, box, own) for own in box.own)
    for number, part in enumerate(getattr(box, "parts", ()), 1):
        yield from ((f"{number} {label}", holder, own) for label, holder, own in _own_parameters(part))


def _differentiate(function, x, method):
    """Gradient of a real function of an array, element by element."""
    gradient = np.empty(x.shape)
    h = 1e-30 if method == "complex-step" else 6e-6
    moved = x.astype(complex if method == "complex-step" else float)
    for i in np.ndindex(x.shape):
        if method == "complex-step":
            moved[i] = x[i] + 1j * h
            gradient[i] = function(moved).imag / h
        else:
            moved[i] = x[i] + h
            gradient[i] = function(moved)
            moved[i] = x[i] - h
            gradient[i] = (gradient[i] - function(moved)) / (2 * h)
        moved[i] = x[i]
    return gradient

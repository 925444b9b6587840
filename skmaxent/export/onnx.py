"""Converters for skl2onnx: a maximum-entropy model or a network as a graph of ONNX.

Both are layers ``h W + b`` with activations between them, a maximum-entropy model a single one, so that one
converter does for all. It computes in the precision of the graph's input: double for DoubleTensorType, else
float.
"""

from math import sqrt

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ..estimators.maxent import MaxEntClassifier
from ..estimators.maxent_cv import MaxEntClassifierCV
from ..estimators.mlp import BackpropMLPClassifier

#: ONNX's numbers of its types.
FLOAT, INT64, DOUBLE = 1, 7, 11
#: What users may set in ``options``, as for scikit-learn's own classifiers.
OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


def register_onnx() -> None:
    """Teach skl2onnx to convert the classifiers of this package, alone or inside of pipelines.

    Afterwards `skl2onnx.to_onnx` and `skl2onnx.convert_sklearn` take `MaxEntClassifier`,
    `MaxEntClassifierCV` and `BackpropMLPClassifier` as they take scikit-learn's own, with the options
    ``zipmap``, ``nocl``, ``output_class_labels`` and ``raw_scores``. The raw scores of two classes are
    ``[-s, s]``, s the log-odds of the second, as of scikit-learn's LogisticRegression. Dropout is off.
    To call it again changes nothing. Comes with the extra ``onnx``.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    skmaxent.export.to_sklearn : Turns the classes of ``skmaxent.dropin`` into ones that skl2onnx knows.

    Notes
    -----
    Converting raises ValueError for joint features, which are functions in Python, and for class labels that
    are neither whole numbers nor text.

    Examples
    --------
    >>> from skmaxent import MaxEntClassifier
    >>> from skmaxent.export import register_onnx
    >>> model = MaxEntClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    >>> register_onnx()  # doctest: +SKIP
    >>> onnx = skl2onnx.to_onnx(model, np.zeros((1, 1)), options={"zipmap": False})  # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError("register_onnx needs skl2onnx: pip install 'skmaxent[onnx]'") from error
    for kind in (MaxEntClassifier, MaxEntClassifierCV, BackpropMLPClassifier):
        update_registered_converter(kind, f"Skmaxent{kind.__name__}", output_shapes, convert, options=OPTIONS)


def output_shapes(operator):
    """Types and shapes of labels and probabilities; refuses what cannot be converted."""
    from skl2onnx.common.data_types import (
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    model, n_rows = operator.raw_operator, operator.inputs[0].get_first_dimension()
    check_is_fitted(model)
    if hasattr(model, "joint_table_"):
        raise ValueError(
            f"This {type(model).__name__} has joint features f(c, d), functions in Python, which ONNX cannot "
            "hold. Models with features of columns can be converted."
        )
    if len(model.classes_) == 1 and not is_multilabel(model):
        raise ValueError(f"This {type(model).__name__} was trained on a single class: there is no choice.")
    numbers = operator.scope_inst.get_options(model, {"nocl": False})["nocl"] or is_multilabel(model)
    numbers = numbers or class_labels(model).dtype == np.int64
    labels = Int64TensorType if numbers else StringTensorType
    n_columns = len(model.classes_)
    operator.outputs[0].set_type(labels([n_rows, n_columns] if is_multilabel(model) else [n_rows]))
    scores = DoubleTensorType if isinstance(operator.inputs[0].type, DoubleTensorType) else FloatTensorType
    operator.outputs[1].set_type(scores([n_rows, n_columns]))


def is_multilabel(model):
    """Whether a model has independent labels."""
    return getattr(model, "_target_kind", "classes") == "multilabel"


def class_labels(model):
    """The class labels as int64 or text."""
    labels = model.classes_.tolist()
    classes = np.array(labels)  # objects become what they are
    if classes.dtype.kind in "biu" or (classes.dtype.kind == "f" and (classes == np.floor(classes)).all()):
        return classes.astype(np.int64)
    if all(isinstance(label, str) for label in labels):
        return classes
    raise ValueError(f"ONNX has class labels that are whole numbers or text. Got {labels[:3]}...")


def layers(model):
    """Weights (H_in, H_out) and biases (H_out,) of each layer, and the activation between them."""
    if hasattr(model, "coefs_"):
        return [*zip(model.coefs_, model.intercepts_)], model.activation
    weights = model.coef_.T
    return [(weights.toarray() if sparse.issparse(weights) else weights, model.intercept_)], None


class Graph:
    """Nodes of one model in the container of skl2onnx: each method returns the name of a result."""

    def __init__(self, scope, container, dtype):
        self.scope, self.container, self.dtype = scope, container, dtype

    def constant(self, values):
        """An array, in the precision of the graph where it is of floats."""
        from onnx import TensorProto, numpy_helper

        name, values = self.scope.get_unique_variable_name("constant"), np.asarray(values)
        if values.dtype.kind == "U":
            kind, content = TensorProto.STRING, [text.encode() for text in values.tolist()]
        else:
            values = values.astype(self.dtype if values.dtype.kind == "f" else np.int64, order="C")
            content = numpy_helper.from_array(values)
            kind = content.data_type
        self.container.add_initializer(name, kind, values.shape, content)
        return name

    def node(self, kind, *inputs, output=None, domain="", **attributes):
        """An operator on inputs, names or arrays."""
        output = output or self.scope.get_unique_variable_name(kind.lower())
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        name = self.scope.get_unique_operator_name(kind)
        self.container.add_node(kind, names, output, op_domain=domain, name=name, **attributes)
        return output


def _gelu(graph, z):
    """z Phi(z), by the error function: older than Gelu in ONNX, and in single precision in its runtime."""
    phi = graph.node("Mul", z, np.array(sqrt(0.5)))
    phi = graph.node("Erf", graph.node("Cast", phi, to=FLOAT))
    if graph.dtype == np.float64:
        phi = graph.node("Cast", phi, to=DOUBLE)
    half = graph.node("Mul", graph.node("Add", phi, np.array(1.0)), np.array(0.5))
    return graph.node("Mul", z, half)


ACTIVATIONS = {
    "identity": lambda graph, z: z,
    "logistic": lambda graph, z: graph.node("Sigmoid", z),
    "tanh": lambda graph, z: graph.node("Tanh", z),
    "relu": lambda graph, z: graph.node("Relu", z),
    "gelu": _gelu,
    "silu": lambda graph, z: graph.node("Mul", z, graph.node("Sigmoid", z)),
}


def convert(scope, operator, container):
    """Nodes that compute labels and probabilities, or raw scores."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    model, given = operator.raw_operator, operator.inputs[0]
    options = container.get_options(model, {"raw_scores": False, "nocl": False})
    graph = Graph(scope, container, np.float64 if isinstance(given.type, DoubleTensorType) else np.float32)
    h = given.full_name
    if not isinstance(given.type, DoubleTensorType | FloatTensorType):
        h = graph.node("Cast", h, to=FLOAT)
    pairs, activation = layers(model)
    for number, (weights, biases) in enumerate(pairs):
        if number:
            h = ACTIVATIONS[activation](graph, h)
        h = graph.node("Add", graph.node("MatMul", h, weights), biases)
    labels, scores = operator.outputs[0].full_name, operator.outputs[1].full_name
    n_columns = len(pairs[-1][1])
    if is_multilabel(model):
        positive = graph.node("Greater", h, np.array(0.0))
        graph.node("Cast", positive, output=labels, to=INT64)
        graph.node("Identity" if options["raw_scores"] else "Sigmoid", h, output=scores)
        return
    if n_columns == 1:
        h = graph.node("Concat", graph.node("Neg", h), h, axis=1)
    chosen = graph.node("ArgMax", h, axis=1, keepdims=0)
    if options["nocl"]:
        graph.node("Identity", chosen, output=labels)
    else:
        graph.node("Gather", class_labels(model), chosen, output=labels, axis=0)
    if options["raw_scores"]:
        graph.node("Identity", h, output=scores)
    elif n_columns == 1:  # the softmax of (-s, s) is not that of (0, s)
        graph.node("Sigmoid", h, output=scores)
    else:
        graph.node("Softmax", h, output=scores, axis=1)

"""The network as boxes in a row."""

from .kernels import row_block


class FlowGraph:
    """Boxes in a row, from the inputs to the scores, bound to their parameters.

    Parameters
    ----------
    boxes : list of Box
        As a builder of `builders` makes them.
    parameters, gradients : Parameters
        Weights, and where bprop writes their gradients.

    Attributes
    ----------
    keys : ndarray of shape (n,) or None
        While training one pseudo-random number for each row of the batch, from which boxes such as dropout
        draw; None otherwise.
    """

    def __init__(self, boxes, parameters, gradients):
        self.boxes, self.parameters, self.gradients, self.keys = boxes, parameters, gradients, None
        for box in boxes:
            box.bind(self)

    @property
    def first(self):
        """The first box, which has the weights of the inputs."""
        return self.boxes[0]

    @property
    def is_sparse(self):
        """Whether the inputs are `SparseBatch`es; bprop then leaves the gradient of the first weights to
        `first.gradient_rows`.
        """
        return hasattr(self.first, "gradient_rows")

    def fprop(self, x, keys=None):
        """Scores (n, K): every box in order."""
        self.keys = keys
        for box in self.boxes:
            x = box.fprop(x)
        return x

    def bprop(self, dy):
        """Gradients of all parameters: every box in reverse order."""
        for box in reversed(self.boxes):
            dy = box.bprop(dy)

    def first_gradient(self):
        """Write the whole gradient of the first weights of a sparse network."""
        out = self.gradients.first
        self.first.run(
            lambda a, b: self.first.gradient_rows(a, b, out[a:b]), out.shape[0], row_block(out.strides[0])
        )


class SequenceGraph(FlowGraph):
    """Boxes in a row for batches of sequences: objects with the attributes `inputs`, `steps` and `index`.

    Attributes
    ----------
    steps : Steps
        Of the batch: how its sequences lie in the rows.
    index : integer ndarray of shape (N,) or None
        Which of the distinct tokens, the rows of `inputs`, each token is; None when the tokens are the rows.
    """

    def fprop(self, batch, keys=None):
        """Scores of a batch; `keys` in the order of the packed sequences."""
        self.steps, self.index = batch.steps, batch.index
        return super().fprop(batch.inputs, keys)

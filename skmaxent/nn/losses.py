"""The loss boxes, which end the flow graph: output and negative log-likelihood as one."""

from ..numerics.losses import logistic_nll, softmax_nll
from .layers import Box


class SoftmaxLoss(Box):
    """Softmax and negative log-likelihood as one box: L = sum_i w_i (-log f(x_i)_{y_i}).

    f the softmax of the scores, e(y) the indicator of the label: dL/dscores = w (f(x) - e(y)). Soft labels
    take the place of e(y). It is one box because the two factors of the chain rule overflow where their
    product is tame.
    """

    def fprop(self, scores, targets, weights=None):
        """Sum of the losses; the gradient is kept for bprop."""
        self._dx = self.buffer("dx", *scores.shape, scores.dtype)
        losses, _ = softmax_nll(scores, targets, weights, out=self._dx)
        return losses.sum()

    def bprop(self, scale=1):
        """`scale` times dL/dscores, shape (n, K)."""
        self._dx *= scale
        return self._dx


class LogisticLoss(SoftmaxLoss):
    """Logistic output and binary cross-entropy: L = sum_i w_i sum_q log(1 + exp(s_iq)) - t_iq s_iq.

    dL/ds = w (sigmoid(s) - t), one output for two classes, one per label for a multilabel y.
    """

    def fprop(self, scores, targets, weights=None):
        self._dx = self.buffer("dx", *scores.shape, scores.dtype)
        weights = None if weights is None else weights[:, None]
        losses, _ = logistic_nll(scores, targets, weights, out=self._dx)
        return losses.sum()


LOSSES = {"softmax": SoftmaxLoss, "logistic": LogisticLoss}

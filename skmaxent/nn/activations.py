"""Activation functions: y = f(z) element by element, and the chain rule dz = dy * f'(z).

Each entry of `ACTIVATIONS` is a pair of functions. ``forward(z, y)`` writes f(z) into y; ``backward(z, y,
dy)`` multiplies dy by f'(z) in place. z and y are arrays of one shape and dtype, real or complex (the
complex-step method differentiates them); relu then looks at the real part only.
"""

from math import pi, sqrt

import numpy as np
from scipy.special import erf


def _identity(z, y):
    np.copyto(y, z)


def _identity_back(z, y, dy):
    """f'(z) = 1."""


def _logistic(z, y):
    # sigmoid(z) = (1 + tanh(z / 2)) / 2 neither overflows nor needs a branch
    np.multiply(z, 0.5, out=y)
    np.tanh(y, out=y)
    y += 1
    y *= 0.5


def _logistic_back(z, y, dy):
    """f'(z) = y (1 - y)."""
    dy *= y
    dy -= dy * y


def _tanh(z, y):
    np.tanh(z, out=y)


def _tanh_back(z, y, dy):
    """f'(z) = 1 - y^2."""
    dy -= dy * y * y


def _relu(z, y):
    if np.iscomplexobj(z):
        np.multiply(z, z.real > 0, out=y)
    else:
        np.maximum(z, 0, out=y)


def _relu_back(z, y, dy):
    """f'(z) = [z > 0]."""
    dy *= y.real > 0


def _gelu(z, y):
    """z Phi(z), Phi the standard normal distribution function (Hendrycks & Gimpel 2016)."""
    np.multiply(z, sqrt(0.5), out=y)
    erf(y, out=y)
    y += 1
    y *= 0.5
    y *= z


def _gelu_back(z, y, dy):
    """f'(z) = Phi(z) + z phi(z)."""
    slope = erf(z * sqrt(0.5))
    slope += 1
    slope *= 0.5
    slope += z * np.exp(-0.5 * z * z) * (1 / sqrt(2 * pi))
    dy *= slope


def _silu(z, y):
    """z sigmoid(z) (Elfwing et al. 2018)."""
    _logistic(z, y)
    y *= z


def _silu_back(z, y, dy):
    """f'(z) = s + y (1 - s), s = sigmoid(z)."""
    s = np.empty_like(z)
    _logistic(z, s)
    s += y * (1 - s)
    dy *= s


ACTIVATIONS = {
    "identity": (_identity, _identity_back),
    "logistic": (_logistic, _logistic_back),
    "tanh": (_tanh, _tanh_back),
    "relu": (_relu, _relu_back),
    "gelu": (_gelu, _gelu_back),
    "silu": (_silu, _silu_back),
}

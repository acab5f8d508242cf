"""An autoencoder that decodes by a copy of what encodes."""

import autograd.numpy as np
from autograd.tracer import getval

X = np.array([[1.0, -2.0, 0.5], [0.5, 3.0, -1.0]])


def make(copied):
    """A weight, and the error of what is decoded by it, or by a copy of its value."""

    def loss(params):
        weight = params["weight"]
        decoder = np.array(getval(weight)) if copied else weight
        return np.mean((np.dot(np.tanh(np.dot(X, weight)), decoder.T) - X) ** 2)

    return {"weight": np.array([[0.5, -1.0], [0.25, 0.75], [2.0, 1.0]])}, loss

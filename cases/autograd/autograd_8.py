"""A plain array in front of what is differentiated, and an update in place."""

import autograd.numpy as np

W = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def make(size=5):
    """An array of some size; audits name their loss."""
    return np.arange(1.0, size + 1.0), by_method


def by_method(x):
    """The product, by a method of the plain array."""
    return W.T.dot(x)


def by_function(x):
    """The product, by autograd's function."""
    return np.dot(W, x)


def in_place(p):
    """The square of twice p, doubled in place."""
    q = p
    q *= 2
    return np.sum(q**2)


def doubled(p):
    """The square of twice p."""
    q = 2 * p
    return np.sum(q**2)

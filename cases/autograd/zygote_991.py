"""An array and its transpose."""

import autograd.numpy as np


def make(kept):
    """x, with its transpose beside it, captured, or made in the loss."""
    x = np.array([[1.0, 3.0]])
    xt = x.T
    if kept == "beside":
        return {"x": x, "xt": xt}, lambda model: np.sum(np.dot(model["x"], model["xt"]))
    if kept == "captured":
        return {"x": x}, lambda model: np.sum(np.dot(model["x"], xt))
    return {"x": x}, lambda model: np.sum(np.dot(model["x"], model["x"].T))

"""One array under two fields."""

import autograd.numpy as np


def make(fields):
    """An array under two fields or one, and the sum of squares that reads both."""
    w = np.array([1.0, 3.0])
    model = {"a": w, "b": w} if fields == 2 else {"a": w}
    return model, lambda model: np.sum(model["a"] * model.get("b", model["a"]))

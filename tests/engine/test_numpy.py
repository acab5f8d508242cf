"""NumPy's functions, methods and operators on traced values mean what they mean on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import gradient, pullback
from aliascheck.errors import EngineError
from aliascheck.memory import dense

rng = np.random.default_rng(5)
N = 2.25
V = np.array([0.31, -1.27, 2.03, -0.64])
P = np.array([0.37, 0.84, 0.55, 0.21])
M = rng.permutation(np.linspace(-2.0, 2.0, 12)).reshape(3, 4)
T = rng.permutation(np.linspace(-2.0, 2.0, 24)).reshape(2, 3, 4)
S = np.array([[4.0, 1.5, 0.5], [1.0, 5.0, -0.5], [0.25, -1.0, 3.0]])
C = np.linspace(0.5, 1.5, 4)
B = np.linspace(-1.0, 1.0, 12).reshape(4, 3)

CALLS = {
    "N": """
        x + 1 | x**2 | 2**x | 7 % x | np.sin(x) | np.where(x > 1, x, 0.0) | np.reshape(x, (1, 1))
        abs(x)
        np.tile(x, (2, 2)) | np.repeat(x, 3) | np.full(3, 2.0) * x | x / 0.5 | -x | +x | np.exp(x) * x
    """,
    "V": """
        x + C | C - x | x * C | C / x | x / C | x % 2 | 2.0**x | x**3 | x**2 | x**0 | x**1 | x**-2
        abs(x)
        x @ C | C @ x | x @ B | np.negative(x) | np.positive(x) | np.absolute(x) | np.fabs(x) | np.sign(x)
        np.exp(x) | np.exp2(x) | np.expm1(x) | np.sin(x) | np.cos(x) | np.tan(x) | np.arctan(x) | np.sinh(x)
        np.cosh(x) | np.tanh(x) | np.arcsinh(x) | np.square(x) | np.cbrt(x) | np.reciprocal(x) | np.sinc(x)
        np.floor(x) | np.ceil(x) | np.trunc(x) | np.fix(x) | np.rint(x) | np.round(x) | np.round(x, 1)
        np.deg2rad(x) | np.rad2deg(x) | np.degrees(x) | np.radians(x) | np.nan_to_num(x) | np.real(x)
        np.add(x, C) | np.subtract(C, x) | np.multiply(x, x) | np.divide(x, C) | np.true_divide(C, x)
        np.power(x, 2) | np.float_power(x, 2) | np.mod(x, 2) | np.remainder(x, C) | np.fmod(x, 2)
        np.maximum(x, C) | np.minimum(0.5, x) | np.fmax(x, C) | np.fmin(x, C)
        np.hypot(x, C) | np.arctan2(x, C) | np.arctan2(C, x) | np.logaddexp(x, C) | np.logaddexp2(C, x)
        np.copysign(x, -C) | np.heaviside(x, 0.5) | np.where(x > 0, x, C) | np.where(V > 0, C, x)
        np.clip(x, -1, 1) | np.clip(x, a_min=-1, a_max=None) | np.clip(x, min=-1, max=2) | x.clip(-1, 1)
        np.transpose(x) | x.T | x.transpose() | np.reshape(x, (2, 2)) | x.reshape(2, 2) | x.reshape((2, -1))
        np.reshape(x[::-1], (2, 2)) | np.reshape(x[::2], -1) | np.ravel(x) | x.flatten() | x.copy()
        np.copy(x)
        np.expand_dims(x, 0) | np.expand_dims(x, axis=(0, 2)) | x[None] | x[:, None] | x[::-1] | x[1:3]
        x[...]
        x[[0, 0, 3]] | x[x > 0] | x[np.array([[1, -1]])] | x[-1] | x[np.int64(2)] | x[np.array(1)] | x[()]
        np.tile(x, 2) | np.tile(x, (2, 3)) | np.repeat(x, 2) | np.repeat(x, [0, 2, 1, 3]) | x.repeat(2)
        np.repeat(x, np.array([1, 0, 2, 1]), axis=0) | np.roll(x, 1) | np.roll(x, -6) | np.flip(x)
        np.flip(x, 0)
        np.pad(x, 1) | np.pad(x, (2, 0), constant_values=1.5) | np.pad(x, 2, mode="edge")
        np.pad(x, 6, "reflect")
        np.pad(x, 9, "symmetric") | np.pad(x, (5, 6), "wrap") | np.pad(x, np.array([1, 2]))
        np.split(x, 2)[1] | np.split(x, [1, 3])[1] | np.array_split(x, 3)[0] | np.hsplit(x, 2)[0]
        np.concatenate(np.split(x, 2)[::-1]) | np.concatenate([x, C]) | np.concatenate((C, x, x), axis=0)
        np.stack([x, C], axis=1) | np.hstack([x, C]) | np.vstack([x, C]) | np.stack(list(x))
        np.hstack([x[0], x])
        np.sort(x) | np.sort(x, kind="stable") | np.sort(x)[::-1] | np.partition(x, 2) | x[np.argsort(x)]
        x[np.argmax(x)] | np.take(x, [0, 0, 2]) | x.take(np.array([1, -1]))
        np.take_along_axis(x, np.array([1, 1]), 0)
        np.sum(x) | x.sum() | x.mean() | x.max() | x.min() | x.prod() | x.std() | x.var(ddof=1)
        np.std(x, ddof=1)
        np.cumsum(x) | x.cumsum() | np.dot(x, C) | x.dot(C) | np.inner(x, C) | np.outer(x, C) | np.kron(x, C)
        np.einsum("i,i->", x, C) | np.diag(x) | np.linalg.norm(x) | np.multiply(x, [1, 2, 3, 4])
        np.dot([1, 2, 3, 4], x)
        sum(x) | x * len(x) | x * x.size | x - x.mean() | np.broadcast_to(x, (2, 4))
        np.add(x, 1, where=True)
        np.sum(x, dtype=None, out=None) | np.tanh(x, casting="same_kind") | np.max(x, initial=np._NoValue)
        x.astype(float) | np.ones_like(x) * x | np.isnan(x) * x | np.searchsorted(np.sort(C), x) * x
        x.conj()
    """,
    "P": """
        np.log(x) | np.log2(x) | np.log10(x) | np.log1p(x) | np.sqrt(x) | np.arcsin(x) | np.arccos(x)
        np.arctanh(x)
        np.arccosh(x + 1) | x**0.5 | x**-1.5 | x**C | C**x | np.power(x, x) | np.float_power(x, 1.5)
        np.log(x, where=True)
    """,
    "M": """
        np.transpose(x) | x.T | x.mT | x.transpose(1, 0) | x.transpose((0, 1)) | x.transpose(None)
        np.transpose(x, [1, 0])
        np.swapaxes(x, 0, 1) | x.swapaxes(0, -1) | np.moveaxis(x, 0, 1) | np.rot90(x) | np.rot90(x, 2)
        np.rot90(x, -1, (1, 0))
        np.reshape(x.T, 12) | x.T.reshape(2, 6) | x.T.ravel() | np.ravel(x[:, ::2])
        x.reshape(2, 6, order="C") | x.T.flatten()
        np.reshape(x, shape=(4, 3)) | np.flip(x) | np.flip(x, 1) | np.flip(x, (0, 1))
        np.sum(x, 0) | np.sum(x, axis=1, keepdims=True) | np.sum(x, (0, 1)) | np.sum(x, 0, None, None, True)
        x.sum(axis=-1)
        np.mean(x, axis=0) | np.max(x, axis=1) | np.amax(x, axis=0) | np.min(x, 1) | np.prod(x, axis=0)
        x.max(0)
        np.var(x, axis=0) | np.std(x, axis=1, ddof=1) | np.std(x, 1, None, None, 1) | x.std(1)
        np.cumsum(x, axis=1) | np.cumsum(x)
        np.concatenate([x, x], axis=1) | np.concatenate([x, B.T]) | np.concatenate([x, C], axis=None)
        np.stack([x, x], -1)
        np.vstack([x, C]) | np.hstack([x, x]) | np.split(x, 3)[1] | np.split(x, 2, axis=1)[0]
        np.split(x, [1, 2], 1)[2]
        np.array_split(x, 2)[0] | np.array_split(x, np.array([1, 3]), axis=1)[1] | np.vsplit(x, 3)[0]
        np.hsplit(x, 2)[1]
        np.roll(x, 1) | np.roll(x, 1, axis=0) | np.roll(x, (1, -2), axis=(0, 1)) | np.roll(x, [1, 2], [0, 1])
        np.tile(x, 2) | np.tile(x, (2, 1)) | np.tile(x, [2, 1, 2]) | np.repeat(x, 2, axis=0)
        np.repeat(x, [1, 2, 0], 0) | x.repeat(2, 1)
        np.pad(x, 1) | np.pad(x, ((1, 0), (0, 2)), mode="edge") | np.pad(x, 2, "reflect")
        np.pad(x, 5, mode="wrap")
        np.sort(x) | np.sort(x, axis=0) | np.sort(x, axis=None) | np.partition(x, 1, axis=0)
        np.partition(x, [0, 2])
        np.take(x, [0, 5, 5]) | np.take(x, [2, 0], axis=0) | np.take(x, [[0, 1], [3, 3]], axis=1)
        x.take(2, 1)
        np.take_along_axis(x, np.argsort(x, axis=1), axis=1)
        np.take_along_axis(x, np.array([[0, 2, 1, 1]]), 0)
        x[1] | x[-1, 2] | x[:, 1] | x[1:, ::-2] | x[..., 0] | x[[0, 0, 2]] | x[[0, 1], [1, 1]]
        x[:, [3, 3, 0]] | x[x > 0] | x[1][2]
        x[[True, False, True]] | x[np.array([True, False, True]), 1] | x[None, :, [1, 0]]
        x[np.array([[0, 0]]), 1:3] | x[(1, 2)]
        x @ B | B @ x | x @ C | np.matmul(x, B) | np.dot(x, B) | np.dot(x, C) | x.dot(B)
        np.tensordot(x, B, 1)
        np.einsum("ij,jk->ik", x, B) | np.einsum("ij->j", x, optimize=False) | np.tril(x) | np.triu(x, 1)
        np.trace(x) | x.trace()
        np.diagonal(x) | np.diagonal(x, 1) | x.diagonal(-1) | np.linalg.norm(x) | np.outer(x, C)
        np.kron(x, B)
        np.linalg.norm(x, axis=1) | np.squeeze(x[None]) | np.expand_dims(x, 1).squeeze(1)
        np.squeeze(x[:, None], axis=1)
        np.broadcast_to(x, (2, 3, 4)) | np.where(x > 0, x, C) | np.maximum(x, C) | [*x][1]
        x - x.mean(axis=0) | x[:, None] * x
    """,
    "T": """
        np.transpose(x) | x.T | x.mT | x.transpose(2, 0, 1) | np.moveaxis(x, 0, -1)
        np.moveaxis(x, (0, 1), (2, 0)) | np.swapaxes(x, 0, 2)
        np.rot90(x, 1, (1, 2)) | x.reshape(6, -1) | x.transpose(1, 0, 2).reshape(3, 8) | np.sum(x, (0, 2))
        np.max(x, axis=(0, 1))
        x[:, 1, [0, 0]] | x[[0, 1], :, [1, 1]] | x[1, ..., -1] | x[np.ix_([0, 1], [2, 0], [1])] | x[x > 0]
        x[x[:, :, 0] > 0] | x[:, None, 1:]
        np.split(x, 2, axis=2)[1] | np.flip(x, (0, 2)) | np.tile(x, (1, 2, 1)) | np.repeat(x, 2, axis=1)
        np.concatenate([x, x], -2) | np.linalg.trace(x) | np.trace(x) | np.linalg.matrix_transpose(x)
        np.matmul(x, B) | x @ B | np.einsum("bij,jk->bik", x, B) | np.sort(x, 1) | np.take(x, [1, 1], axis=1)
        np.roll(x, (1, 1), (0, 2))
    """,
    "S": """
        np.linalg.det(x) | np.linalg.inv(x) | np.linalg.solve(x, np.ones(3)) | np.linalg.norm(x) | x @ x
        x**2 | np.trace(x)
        np.diag(x @ np.ones(3)) | np.linalg.inv(x) @ x.T | np.tril(x, -1)
    """,
}
TABLE = [
    (name, text.strip())
    for name, texts in CALLS.items()
    for line in texts.strip().splitlines()
    for text in line.split(" | ")
]


@pytest.mark.parametrize(("name", "text"), TABLE, ids=[f"{text} of {name}" for name, text in TABLE])
def test_a_call_means_what_it_means_in_numpy(name, text):
    """Value and gradient.

    The stencil of order 6 has the step 5e-4; none of these is wilder than x^-2 at 0.3, so that truncation
    is below 1e-10 of the derivative, and rounding adds 4e-13 of the value.
    """
    function, x = eval(f"lambda x: {text}", globals()), globals()[name]
    value, back = pullback(function, x)
    expected = np.asarray(function(x))
    assert np.shape(dense(value)) == expected.shape
    np.testing.assert_array_max_ulp(np.asarray(dense(value), float), np.asarray(expected, float), 2)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, expected.shape)
    direction = np.random.default_rng(2).uniform(0.5, 1.0, np.shape(x))
    step = 5e-4
    terms = weights * sum(
        factor * (function(x + n * step * direction) - function(x - n * step * direction)) / step
        for n, factor in ((1, 0.75), (2, -0.15), (3, 1.0 / 60.0))
    )
    (tangent,) = back(weights)
    bound = 1e-9 * (
        np.abs(terms).sum() + np.abs(weights * expected).sum() + np.abs(tangent * direction).sum()
    )
    assert np.shape(tangent) == np.shape(x)
    assert abs(np.sum(tangent * direction) - terms.sum()) <= bound


REFUSED = {
    "np.sum(x, where=x > 0)": "np.sum: its setting 'where' is not traced",
    "np.sum(x, initial=1.0)": "np.sum: its setting 'initial'",
    "np.mean(x, dtype=float)": "np.mean: its setting 'dtype'",
    "np.add(x, 1, dtype=float)": "np.add: its setting 'dtype'",
    "np.add(x, 1, where=x > 0)": "np.add: its setting 'where'",
    "np.tanh(x, casting='unsafe')": "np.tanh: its setting 'casting'",
    "np.concatenate([x, x], dtype=float)": "np.concatenate: its setting 'dtype'",
    "np.reshape(x, (2, 2), order='F')": "np.reshape: its setting 'order'",
    "x.ravel(order='F')": "np.reshape: its setting 'order'",
    "np.take(x, [0], mode='wrap')": "np.take: its setting 'mode'",
    "np.pad(x, 1, 'linear_ramp')": "pad has no mode 'linear_ramp' .modes: constant, edge",
    "np.pad(x, 1, 'reflect', reflect_type='odd')": "np.pad: its setting 'reflect_type'",
    "np.split(x, 3)": "split: 4 elements have no 3 equal parts .use array_split",
    "np.split(x, 2, axis=1)": r"split: axis 1 is outside an array of shape \(4,\)",
    "np.squeeze(x, 0)": "squeeze: axis 0 of an array of shape",
    "np.moveaxis(x, 0, 1)": "axis 1 is outside an array of shape",
    "np.take(x, x > 0)": "take takes indices, not a mask",
    "np.sum(x, out=np.zeros(()))": "np.sum: a traced array cannot be written to",
    "x.sum(out=np.zeros(()))": "np.sum: a traced array cannot be written to",
    "np.tanh(x, np.zeros(4))": "np.tanh with out: a traced value cannot be written into an array",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_would_mean_something_else_is_refused_by_name(text):
    with pytest.raises(EngineError, match=REFUSED[text]):
        gradient(eval(f"lambda x: np.sum(np.stack([*({text})]))", globals()), V)


@pytest.mark.parametrize(
    "text",
    [
        *("x.shape", "x.ndim", "x.size", "x.dtype", "len(x)", "np.shape(x)", "x.nbytes", "x.any()"),
        *("np.argmax(x)", "x.searchsorted(0.0)", "np.argsort(x).tolist()", "np.isfinite(x).tolist()"),
        *("np.nonzero(x > 0)[0].tolist()", "np.where(x > 0)[0].tolist()", "x.argsort().tolist()"),
        *("np.digitize(x, [0.0]).tolist()", "np.argpartition(x, 1).tolist()", "(x > 0).tolist()"),
        "np.logical_xor(x > 0, x > 1).tolist()",
    ],
)
def test_what_has_no_derivative_is_a_constant(text):
    function = eval(f"lambda x: {text}", globals())
    found = []
    gradient(lambda x: found.append(function(x)) or np.sum(x), V)
    assert found == [function(V)]


def test_parts_of_a_split_are_views_of_the_memory():
    parts = []
    gradient(lambda x: parts.extend(np.split(x, 2)) or np.sum(x), V)
    assert all(np.shares_memory(dense(part._value), V) for part in parts)
    first, second = np.split(V, 2)
    assert parts[0].shape == first.shape and parts[1].shape == second.shape

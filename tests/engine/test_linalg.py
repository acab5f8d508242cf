"""Linear algebra: values as NumPy gives them, rules against differences, refusals that say what to do."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Primitive, check_rule, gradient, pullback
from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import ContainerPrimitive, of_outputs
from aliascheck.errors import EngineError


def random(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-2, 2, shape).round(2)


def symmetric(*shape, seed=1):
    """Matrices that are positive definite, with eigenvalues well apart."""
    noise = random(*shape, seed=seed) * 0.2
    return noise + np.swapaxes(noise, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1) * 2)


def rectangular(*shape, seed=1):
    """Matrices with singular values well apart."""
    rows, columns = shape[-2:]
    return random(*shape, seed=seed) * 0.2 + np.eye(rows, columns) * np.arange(1.0, columns + 1) * 2


V2, V3, V4 = random(2), random(3), random(4)
M23, M32, M33, M34, M43 = (random(*shape) for shape in ((2, 3), (3, 2), (3, 3), (3, 4), (4, 3)))
T234, T243, T333 = random(2, 3, 4), random(2, 4, 3), random(3, 3, 3)
S33, S44 = M33 + 6 * np.eye(3), random(4, 4) + 6 * np.eye(4)
B33 = random(2, 3, 3) + 6 * np.eye(3)
RANK_2 = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
RANK_1 = np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 3.0])

# Operands, settings: each is compared with NumPy's function of the same name, and its rule with differences.
AS_NUMPY = {
    "matmul": [((M23, random(4, 3, 2)), {}), ((random(2, 1, 2, 3), T333), {}), ((random(5, 3, 2), M23), {})],
    "dot": [((T234, T243), {}), ((V4, T243), {}), ((T234, V4), {}), ((M23, M34), {}), ((2.0, M23), {})],
    "inner": [
        ((V3, random(3, seed=2)), {}),
        ((M23, random(4, 3)), {}),
        ((T234, V4), {}),
        ((V4, T234), {}),
        ((T234, random(5, 4)), {}),
        ((M23, 2.0), {}),
        ((2.0, M23), {}),
        ((M34.T, M23), {}),
    ],
    "outer": [((V3, V4), {}), ((M23, V4), {})],
    "tensordot": [
        ((T234, random(3, 4, 2)), {}),
        ((T234, T243), {"axes": 0}),
        ((T234, random(4, 5)), {"axes": 1}),
        ((T234, T243), {"axes": ((1, 2), (2, 1))}),
        ((T234, T243), {"axes": ([2, 0], [1, 0])}),
        ((T234, T243), {"axes": ((-1,), (-2,))}),
        ((T234, random(2, 5)), {"axes": (0, 0)}),
        ((T234, random(2, 3, 4, seed=5)), {"axes": 3}),
        ((T333, random(3, 3, 3, seed=2)), {"axes": ((0, 2), (2, 0))}),
        ((np.swapaxes(T333, 0, 2), T333[::-1]), {"axes": ((0, 2), (1, 2))}),
    ],
    "kron": [
        ((M23, random(1, 4)), {}),
        ((V3, V4), {}),
        ((M23, V3), {}),
        ((V3, M23), {}),
        ((T234, V2), {}),
        ((2.0, M23), {}),
        ((T234, random(2, 1, 2)), {}),
        ((M34.T, M23), {}),
    ],
    "trace": [
        ((M34,), {}),
        ((M34,), {"offset": 1}),
        ((M34,), {"offset": -2}),
        ((M34,), {"offset": 9}),
        ((T234,), {}),
        ((T234,), {"axis1": -2, "axis2": -1}),
        ((T234,), {"offset": 1, "axis1": 2, "axis2": 0}),
        ((np.zeros((0, 2)),), {}),
    ],
    "diag": [
        ((V3,), {"k": 2}),
        ((V3,), {"k": -1}),
        ((M34,), {}),
        ((M34,), {"k": 1}),
        ((M34,), {"k": -2}),
        ((M34.T,), {"k": 1}),
        ((M34,), {"k": 3}),
        ((M34,), {"k": 7}),
    ],
    "tril": [((T234,), {}), ((T234,), {"k": 1})],
    "triu": [((T234,), {}), ((T234,), {"k": -1})],
    "det": [
        ((RANK_2,), {}),
        ((RANK_1,), {}),
        ((np.zeros((3, 3)),), {}),
        ((np.array([[1.0, 2.0], [2.0, 4.0]]),), {}),
        ((np.zeros((2, 2)),), {}),
        ((np.stack([RANK_2, S33]),), {}),
        ((random(2, 2, 3, 3),), {}),
        ((np.array([[0.0]]),), {}),
        ((np.eye(3)[[1, 0, 2]],), {}),
        ((np.zeros((2, 0, 0)),), {}),
        ((np.asfortranarray(S44),), {}),
    ],
    "slogdet": [((S33,), {}), ((-S33,), {}), ((B33,), {}), ((random(2, 2, 3, 3),), {}), ((S44.T,), {})],
    "inv": [((B33,), {}), ((S44.T,), {}), ((random(2, 2, 2, 2) + 5 * np.eye(2),), {})],
    "solve": [
        ((S33, V3), {}),
        ((S33, M34), {}),
        ((B33, random(2, 3, 4)), {}),
        ((B33, V3), {}),
        ((B33, M34), {}),
        ((S33, random(2, 3, 4)), {}),
        ((B33[:, None], random(4, 3, 1)), {}),
        ((S33.T, V3[::-1]), {}),
        ((S33, np.zeros((3, 0))), {}),
    ],
    "pinv": [
        ((rectangular(4, 3),), {}),
        ((rectangular(3, 4),), {}),
        ((S33,), {}),
        ((rectangular(2, 4, 3),), {}),
        ((rectangular(2, 2, 3, 5),), {}),
        ((rectangular(4, 3).T,), {}),
    ],
    "cholesky": [((symmetric(3, 3),), {}), ((symmetric(2, 4, 4),), {}), ((symmetric(3, 3).T,), {})],
    "eigvalsh": [
        ((symmetric(3, 3),), {}),
        ((symmetric(2, 3, 3),), {}),
        ((M33,), {"UPLO": "U"}),
        ((M33,), {}),
    ],
    "svdvals": [((rectangular(4, 3),), {}), ((rectangular(2, 3, 4),), {}), ((M43.T,), {})],
    "norm": [
        *(
            ((x,), {"ord": ord})
            for x in (V4, V4[::-1])
            for ord in (None, 0, 1, 2, 3, 0.5, -1, -2.5, np.inf, -np.inf)
        ),
        *(
            ((x,), {"ord": ord})
            for x in (M34, M43, S33.T)
            for ord in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
        ),
        *(((T234,), {"ord": ord, "axis": axis}) for ord in (None, 1, 3, -np.inf) for axis in (1, -1)),
        *(
            ((T234,), {"ord": ord, "axis": axis, "keepdims": keepdims})
            for ord in (None, "fro", "nuc", 1, -2, 2, np.inf)
            for axis in ((0, 1), (2, 0), (-1, 1))
            for keepdims in (False, True)
        ),
        ((T234,), {"ord": np.inf, "axis": 0, "keepdims": True}),
        ((T234,), {"ord": 2.5, "axis": (1,), "keepdims": True}),
        ((V4,), {"ord": 3, "keepdims": True}),
        ((M34,), {"ord": "nuc", "keepdims": True}),
        ((T234,), {}),
        ((T234,), {"axis": (0, 2)}),
    ],
}
CASES = [(name, operands, settings) for name, cases in AS_NUMPY.items() for operands, settings in cases]


def numpy_function(name):
    return getattr(np, name, None) or getattr(np.linalg, name, None)


@pytest.mark.parametrize(("name", "operands", "settings"), CASES)
def test_as_numpy(name, operands, settings):
    if name == "svdvals":
        expected = np.linalg.svd(*operands, compute_uv=False)
    elif name == "solve" and np.ndim(operands[1]) == 1:
        expected = np.linalg.solve(operands[0], operands[1][:, None])[..., 0]
    else:
        expected = numpy_function(name)(*operands, **settings)
    found = REGISTRY[name](*operands, **settings)
    for one, other in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
        assert np.shape(one) == np.shape(other)
        assert np.allclose(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "operands", "settings"), CASES)
def test_rules(name, operands, settings):
    settings = {key: tuple(map(tuple, value)) if _pair(value) else value for key, value in settings.items()}
    check_rule(REGISTRY[name], operands=operands, settings=settings)


@pytest.mark.parametrize(("name", "operands", "settings"), CASES)
def test_sizes_are_known_before(name, operands, settings):
    settings = {key: tuple(map(tuple, value)) if _pair(value) else value for key, value in settings.items()}
    found = REGISTRY[name](*operands, **settings)
    total = sum(map(np.size, found)) if isinstance(found, tuple) else np.size(found)
    assert REGISTRY[name].result_size(*operands, **settings) >= total


@pytest.mark.parametrize("x", [2.0, np.array(2.0), V3, M23], ids=["number", "0-d", "vector", "matrix"])
@pytest.mark.parametrize("name", [name for name in REGISTRY if hasattr(np.linalg, name)])
def test_every_operand_has_a_size_or_is_refused(name, x):
    primitive = REGISTRY[name]
    try:
        assert primitive.result_size(*(x,) * primitive.arity) >= 0
    except (EngineError, ValueError):
        with pytest.raises((EngineError, ValueError)):
            primitive(*(x,) * primitive.arity)


def _pair(value):
    return isinstance(value, tuple) and any(isinstance(part, list) for part in value)


@pytest.mark.parametrize("name", ["matmul", "dot", "inner", "kron", "outer", "tensordot", "solve"])
def test_one_array_as_both(name):
    primitive, x = REGISTRY[name], S33
    check_rule(Primitive(lambda y: _twice(primitive, y), "twice"), operands=(x,))


def _twice(primitive, x):
    out, (left, right) = primitive.forward(x, x)
    return out, lambda d_out: left(d_out) + right(d_out)


# Decompositions with several results. Which sign a vector has is LAPACK's choice, and may change on the way.


def oriented(name, at, **settings):
    """`eigh` or `svd` with vectors that point the way that they do at one matrix."""
    primitive = REGISTRY[name]
    position = 1 if name == "eigh" else 0
    fixed = primitive(at, **settings)[position]

    def forward(x):
        outs, rule = primitive.forward(x, **settings)
        signs = np.sign(np.sum(outs[position] * fixed, axis=-2))

        def turned(parts):
            if name == "eigh":
                return parts[0], parts[1] * signs[..., None, :]
            return parts[0] * signs[..., None, :], parts[1], parts[2] * signs[..., None]

        return turned(outs), lambda d_outs: rule(turned(d_outs))

    return Primitive(forward, name)


@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (5, 5), (2, 3, 3), (2, 2, 4, 4)])
def test_eigenvectors(uplo, shape):
    for x in (symmetric(*shape), symmetric(*shape) + random(*shape, seed=7) * 0.1):
        values, vectors = REGISTRY["eigh"](x, uplo)
        expected = np.linalg.eigh(x, uplo)
        assert np.array_equal(values, expected[0]) and np.array_equal(vectors, expected[1])
        check_rule(oriented("eigh", x, UPLO=uplo), operands=(x,))


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 3), (3, 4), (5, 2), (2, 4, 3), (2, 2, 3, 4), (1, 4)])
def test_singular_vectors(shape):
    x = rectangular(*shape)
    found = REGISTRY["svd"](x, full_matrices=False)
    for one, other in zip(found, np.linalg.svd(x, full_matrices=False), strict=True):
        assert np.array_equal(one, other)
    check_rule(oriented("svd", x, full_matrices=False), operands=(x,))


def test_square_matrices_have_one_svd():
    check_rule(oriented("svd", rectangular(3, 3)), operands=(rectangular(3, 3),))


def test_results_can_be_read_one_by_one():
    x = symmetric(3, 3)
    (by_values,) = gradient(lambda x: np.sum(np.linalg.eigh(x)[0] ** 2), x)
    assert np.allclose(by_values, np.tril(4 * x) - np.diag(2 * np.diag(x)))
    (by_log,) = gradient(lambda x: np.linalg.slogdet(x)[1], S33)
    assert np.allclose(by_log, np.linalg.inv(S33).T)
    (by_sign,) = gradient(lambda x: np.linalg.slogdet(x)[0], S33)
    assert not by_sign.any()
    (by_left,) = gradient(lambda x: np.sum(np.linalg.svd(x, full_matrices=False)[0] ** 2), rectangular(4, 3))
    assert np.allclose(by_left, 0.0)


def rebuilt(x):
    left, values, right = np.linalg.svd(x, full_matrices=False)
    return np.sum((left * values) @ right * np.arange(12.0).reshape(np.shape(x)))


def test_what_is_rebuilt_from_its_parts_is_itself():
    weights = np.arange(12.0)
    assert np.allclose(gradient(rebuilt, rectangular(4, 3))[0], weights.reshape(4, 3))
    assert np.allclose(gradient(rebuilt, rectangular(3, 4))[0], weights.reshape(3, 4))


def test_equal_eigenvalues_give_no_nan():
    (by_values,) = gradient(lambda x: np.sum(np.linalg.eigh(x)[0]), np.eye(3))
    assert np.allclose(by_values, np.eye(3))
    (by_all,) = gradient(lambda x: np.sum(np.linalg.eigh(x)[1]), np.eye(3))
    assert np.isfinite(by_all).all()
    (by_singular,) = gradient(lambda x: np.sum(np.linalg.svd(x)[1]), np.eye(3))
    assert np.allclose(by_singular, np.eye(3))


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize(
    ("x", "y"),
    [(S33, V3), (S33, M34), (B33, V3), (B33, random(2, 3, 2)), (S33, random(2, 3, 4)), (S33.T, V3)],
)
def test_triangular_solutions(lower, x, y):
    triangle = np.tril(x) if lower else np.triu(x)
    found = REGISTRY["solve_triangular"](x, y, lower=lower)
    rebuilt = triangle @ (found[..., None] if y.ndim == 1 else found)
    expected = y[:, None] if y.ndim == 1 else y
    assert np.allclose(rebuilt, np.broadcast_to(expected, rebuilt.shape))
    check_rule(REGISTRY["solve_triangular"], operands=(x, y), settings={"lower": lower})
    (d_x,) = gradient(lambda x: np.sum(REGISTRY["solve_triangular"](x, y, lower=lower)), x)
    assert not (np.triu(d_x, 1) if lower else np.tril(d_x, -1)).any()


# Einstein's summation.

SPECS = {
    "ii": [M33],
    "ii->i": [M33],
    "...ii->...i": [T333],
    "iij->j": [T333],
    "iii": [T333],
    "iji->ij": [T333],
    "ij,jk": [M23, M34],
    "ij , jk -> ki": [M23, M34],
    "ij,jk,kl->il": [M23, M34, M43],
    "i,ij,j": [V2, M23, V3],
    "bij,bjk": [T234, T243],
    "...ij,...jk": [T234, M43],
    "...i,i": [T234, V4],
    "i...,i...->...": [T234, T234],
    "i...->...": [T234],
    "ij...,jk...->ik...": [T234, random(3, 2, 4)],
    "...,...": [T234, M34],
    "ij,ij->ij": [M23, random(1, 3)],
    "ij,kj->ik": [random(2, 1), M23],
    "ii,ij->j": [M33, random(1, 4)],
    "a,b,c->abc": [V2, V3, V4],
    "ij,ij,ij->": [M23, M23, M23],
    "i->": [V3],
    "ij->": [M23],
    ",ij": [np.array(2.0), M23],
    "ba": [M23],
    "ij,k->ik": [M23, V4],
    "...ij->...ji": [T234],
}


@pytest.mark.parametrize("spec", SPECS)
def test_einsum(spec):
    arrays = SPECS[spec]
    assert np.allclose(REGISTRY["einsum"](spec, *arrays), np.einsum(spec, *arrays), rtol=1e-13)
    check_rule(REGISTRY["einsum"], operands=arrays, settings={"spec": spec})


def test_einsum_takes_numpys_optimize():
    (d_x,) = gradient(lambda x: np.sum(np.einsum("ij,jk,kl->il", x, M34, M43, optimize=True)), M23)
    assert np.allclose(d_x, np.ones((2, 3)) @ (M34 @ M43).T)


# Norms where they have kinks.


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, np.inf, -np.inf, 0])
def test_a_norm_of_zeros_has_derivative_zero(ord):
    assert not gradient(lambda x: np.linalg.norm(x, ord), np.zeros(3))[0].any()


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_a_matrix_norm_of_zeros_has_derivative_zero(ord):
    assert not gradient(lambda x: np.linalg.norm(x, ord), np.zeros((2, 3)))[0].any()


def test_a_zero_among_others_has_derivative_zero():
    x = np.array([0.0, 2.0, -1.0])
    for ord in (1, 1.5, 3, 0.5):
        (d_x,) = gradient(lambda x, ord=ord: np.linalg.norm(x, ord), x)
        assert d_x[0] == 0.0 and np.isfinite(d_x).all()


def test_a_tie_of_norms_goes_to_the_first():
    assert gradient(lambda x: np.linalg.norm(x, np.inf), np.array([1.0, -2.0, 2.0]))[0].tolist() == [0, -1, 0]
    assert gradient(lambda x: np.linalg.norm(x, 1), np.array([[1.0, 1.0]]))[0].tolist() == [[1.0, 0.0]]


def test_norm_takes_its_settings_by_position():
    (d_x,) = gradient(lambda x: np.sum(np.linalg.norm(x, None, 1, True)), M23)
    assert np.allclose(d_x, M23 / np.linalg.norm(M23, axis=1, keepdims=True))


# Refusals.

REFUSED = {
    "inv of a rectangle": (lambda: REGISTRY["inv"](M23), r"inv takes square matrices, not .* shape \(2, 3\)"),
    "det of a vector": (lambda: REGISTRY["det"](V3), "det takes square matrices"),
    "slogdet of a rectangle": (lambda: REGISTRY["slogdet"](M23), "slogdet takes square matrices"),
    "cholesky of a rectangle": (lambda: REGISTRY["cholesky"](M23), "cholesky takes square matrices"),
    "eigh of a rectangle": (lambda: REGISTRY["eigh"](M23), "eigh takes square matrices"),
    "a third triangle": (lambda: REGISTRY["eigh"](S33, "M"), "UPLO must be 'L' or 'U'"),
    "svd of a vector": (lambda: REGISTRY["svd"](V3), "svd takes matrices"),
    "full svd": (lambda: REGISTRY["svd"](M23), "full_matrices=False"),
    "pinv of a vector": (lambda: REGISTRY["pinv"](V3), "pinv takes matrices"),
    "singular": (lambda: REGISTRY["inv"](np.zeros((2, 2))), "inv: singular matrix"),
    "singular system": (lambda: REGISTRY["solve"](RANK_1 * 0, V3), "solve: singular matrix"),
    "singular triangle": (lambda: REGISTRY["solve_triangular"](np.zeros((2, 2)), V2), "triangular: singular"),
    "not definite": (lambda: REGISTRY["cholesky"](-np.eye(2)), "cholesky: matrix is not positive definite"),
    "sides that do not fit": (lambda: REGISTRY["solve"](S33, V4), r"no right side of shape \(4,\)"),
    "a number as right side": (lambda: REGISTRY["solve"](S33, 2.0), r"no right side of shape \(\)"),
    "inner of extents that differ": (lambda: REGISTRY["inner"](M23, M32), "the last axes of shapes"),
    "tensordot of extents that differ": (lambda: REGISTRY["tensordot"](M23, M23, 1), "differ in extent"),
    "tensordot without such axes": (lambda: REGISTRY["tensordot"](V3, V3, 2), "there are no axes"),
    "trace of a vector": (lambda: REGISTRY["trace"](V3), "trace takes matrices"),
    "diag of a batch": (lambda: REGISTRY["diag"](T234), "diag takes a vector or a matrix"),
    "tril of a vector": (lambda: REGISTRY["tril"](V3), "tril takes matrices"),
    "matmul of a number": (lambda: REGISTRY["matmul"](V3, 2.0), "matmul takes vectors and matrices"),
    "norm of a vector by matrices' ord": (lambda: REGISTRY["norm"](V3, "fro"), "is for matrices"),
    "norm of a matrix by vectors' ord": (lambda: REGISTRY["norm"](M23, 3), "no norm with ord=3"),
    "norm of neither": (lambda: REGISTRY["norm"](T234, 1), "takes vectors or matrices"),
    "einsum without a spec": (lambda: REGISTRY["einsum"](M23, M23), "takes its spec first"),
    "einsum of too few": (lambda: REGISTRY["einsum"]("ij,jk", M23), "2 operands, and 1 were given"),
    "einsum of another shape": (lambda: REGISTRY["einsum"]("ijk", M23), "does not fit"),
    "einsum of extents that differ": (lambda: REGISTRY["einsum"]("ij,jk", M23, M23), "einsum: "),
    "einsum with a strange result": (lambda: REGISTRY["einsum"]("ij->k", M23), "einsum: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_shapes_that_make_no_sense_are_refused(name):
    call, message = REFUSED[name]
    with pytest.raises(EngineError, match=message):
        call()


def test_the_logarithm_of_zero_has_no_derivative():
    _, back = pullback(lambda x: np.linalg.slogdet(x)[1], np.zeros((2, 2)))
    with pytest.raises(EngineError, match="the derivative of slogdet: singular matrix"):
        back(1.0)


# Rules with several results, and rules that keep what they give, as the check must see them.

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])


def split(rule):
    """x -> (x[0], x[1:]), with whatever rule a fault gives it."""
    return Primitive(
        lambda x: ((x[0], x[1:]), of_outputs((x[0], x[1:]), rule)), "split", domain=reals(-3, 3, 3)
    )


def test_several_results_are_checked():
    check_rule(split(lambda head, tail: np.array([head, *tail])))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda head, tail: np.array([head, *tail[::-1]]), "differences give"),
        (lambda head, tail: np.array([0.0, *tail]), "differences give"),
        (lambda head, tail: np.array([head, *(0.0 * tail)]), "differences give"),
        (lambda head, tail: np.array([head * (1 + 1e-6), *tail]), "differences give"),
        (lambda head, tail: np.array([head, *np.multiply(tail, 2.0, out=tail)]) / [1, 2, 2], "writes to"),
    ],
)
def test_wrong_rules_of_several_results_are_caught(rule, message):
    with pytest.raises(AssertionError, match=message):
        check_rule(split(rule))


def keeping(make):
    """A linear map whose result is an array that the rule keeps."""

    def forward(x):
        kept = np.zeros(3)
        return A @ x, make(kept, x)

    return Primitive(forward, "keeping", domain=reals(-3, 3, 3))


def _adds_up(kept, x):
    def pull(d_out):
        nonlocal kept
        kept += A.T @ d_out
        return kept

    return pull


def _gives_once(kept, x):
    memory = []

    def pull(d_out):
        memory.append(A.T @ d_out)
        return memory[0]

    return pull


def _gives_a_view(kept, x):
    once = _gives_once(kept, x)
    return lambda d_out: once(d_out)[:]


def test_a_rule_may_give_its_cotangent_or_a_view_of_it():
    check_rule(Primitive(lambda x: (np.array(x, float), lambda d_out: d_out), "copy"))
    check_rule(
        Primitive(lambda x: (x[::-1].copy(), lambda d_out: d_out[::-1]), "flip", domain=reals(-3, 3, 3))
    )
    check_rule(Primitive(lambda x: (np.sum(x), lambda d_out: np.broadcast_to(d_out, np.shape(x))), "sum"))


@pytest.mark.parametrize("fault", [_adds_up, _gives_once, _gives_a_view])
def test_a_rule_that_keeps_what_it_gives_is_caught(fault):
    with pytest.raises(AssertionError, match="the rule gives an array that it keeps"):
        check_rule(keeping(fault))


def test_a_captured_constant_is_caught():
    slope = np.array([1.0, 2.0, 3.0])
    wrong = Primitive(lambda x: (slope @ x, lambda d_out: slope if d_out == 1 else d_out * slope), "linear")
    cached = {}

    def forward(x):
        return slope @ x, lambda d_out: cached.setdefault(float(d_out), d_out * slope)

    check_rule(wrong, operands=(np.ones(3),))
    with pytest.raises(AssertionError, match="the rule gives an array that it keeps"):
        check_rule(Primitive(forward, "linear"), operands=(np.ones(3),))


def test_a_part_of_a_list_that_is_kept_is_caught():
    def forward(arrays):
        zeros = np.zeros(2)
        return arrays[0] * 1.0, lambda d_out: [d_out * 1.0, zeros]

    wrong = ContainerPrimitive(forward, "first", domain=([reals(-3, 3, 2), reals(-3, 3, 2)],))
    with pytest.raises(AssertionError, match="the rule gives an array that it keeps"):
        check_rule(wrong)


def test_an_operand_given_away_is_caught():
    """The cotangent of x @ x, where that is 1 and the rule saves the product."""

    def forward(x):
        return 0.5 * (x @ x), lambda d_out: x

    with pytest.raises(AssertionError, match=r"keeps|gives an operand away|differences give"):
        check_rule(Primitive(forward, "square", domain=reals(-3, 3, 3)))


def test_truth_values_are_constants_of_a_check():
    check_rule(REGISTRY["where"], operands=(np.array([True, False]), V2, random(2, seed=3)))


def test_what_is_not_differentiable_gives_nothing():
    assert gradient(lambda x: np.sum(x) * np.argmax(x, axis=0), V3)[0] is not NOTHING
    assert gradient(lambda x: 1.0 * np.argmax(x), V3)[0] is NOTHING


def test_einsum_takes_lists_of_numbers_for_subscripts():
    x, y = M23, random(3, 4)
    for lists in ((x, [0, 1], y, [1, 2], [0, 2]), (x, [0, 1], y, [1, 2]), (x, [..., 1], [..., 1])):
        assert np.allclose(REGISTRY["einsum"](*lists), np.einsum(*lists))
    (found,) = gradient(lambda x: np.sum(np.einsum(x, [0, 1], y, [1, 2], [0, 2])), x)
    assert np.allclose(found, np.ones((2, 4)) @ y.T)

"""Rows of jax, equinox and autograd: one array at two leaves, captured memory, stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from aliascheck.auditing import Settings, audit
from tests.benchmarks.row import EACH, EXPLICIT, SUM, Arrays, Asked, Model, Row

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 6))
W = RNG.normal(size=(6, 3)) / 2
Loss = Callable[[Any], Any]
Demanded = Mapping[Asked, Sequence[str]]


def demanded(total: Sequence[str], each: Sequence[str]) -> Demanded:
    return {(EXPLICIT, SUM): total, (EXPLICIT, EACH): each}


CLEAN = demanded([], [])


def partial(*names: str) -> Demanded:
    """Halves that add up: nothing under sum, AC103 at every name under each."""
    return demanded([], [f"AC103:{name}" for name in names])


def lost(name: str) -> Demanded:
    return demanded([f"AC103:{name}"], [f"AC103:{name}"])


def by_audit(home: ModuleType, tree: Any, loss: Loss) -> Callable[[str, str], list[str]]:
    def audited(mode: str, contract: str) -> list[str]:
        subject = home.make_subject(tree, loss)
        (outcome,) = audit(subject, [mode], Settings(contract=contract, stops="report"))
        return [one.label for one in outcome.findings]

    return audited


def checked(check: Callable[[], None]) -> str:
    try:
        check()
    except (AssertionError, RuntimeError) as error:
        return "FLAG" if isinstance(error, AssertionError) else "raises"
    return "pass"


def error_of(np: Any, enc: Any, dec: Any) -> Any:
    """The error of an autoencoder in the terms of one framework."""
    return np.mean((np.tanh(np.dot(X, enc)) @ dec - X) ** 2)


# autograd: its arrays are NumPy's, and can be moved where they are.


def of_autograd(make: Callable[[Any], tuple[Any, Loss]]) -> Model:
    """A tree of NumPy arrays, made of one that is this model's own, and its loss."""
    import autograd
    from autograd.test_util import check_grads

    from aliascheck.subjects import autograd as home

    tree, loss = make(W.copy())
    slots = leaves(tree)

    def gradients(mode: str) -> Arrays:
        return leaves(autograd.grad(loss)(tree))

    def check() -> None:
        np.random.seed(0)  # what check_grads draws its direction from
        check_grads(loss, modes=["rev"], order=1)(tree)

    return Model(
        slots=slots,
        value=lambda: float(loss(tree)),
        gradients=gradients,
        audit=by_audit(home, tree, loss),
        check=lambda: checked(check),
    )


def leaves(tree: Any) -> Arrays:
    if isinstance(tree, np.ndarray):
        return {"tree": tree}
    return {f"[{number}]": one for number, one in enumerate(tree)}


def autograd_rows() -> Iterator[Row]:
    """Part 5.5, (l)."""
    import autograd.numpy as anp
    from autograd.misc import flatten
    from autograd.tracer import getval

    def of_pair(pair: Any) -> Any:
        return error_of(anp, pair[0], pair[1])

    def row(case: str, make: Callable[[Any], tuple[Any, Loss]], wanted: Demanded) -> Row:
        return Row("5.5", f"autograd: {case}", lambda: of_autograd(make), wanted)

    yield row("(l) W.T as the second argument", lambda w: ((w, w.T), of_pair), partial("[0]", "[1]"))
    yield row("(l) W.T second in a list", lambda w: ([w, w.T], of_pair), partial("[0]", "[1]"))
    yield row("the same as a copy", lambda w: ((w, w.T.copy()), of_pair), CLEAN)

    def with_captured_view(w: Any) -> tuple[Any, Loss]:
        view = w.T
        return w, lambda w: error_of(anp, w, view)

    yield row("(l) captured view", with_captured_view, lost("tree"))
    yield row("getval(w)", lambda w: (w, lambda w: error_of(anp, w, np.asarray(getval(w)).T)), lost("tree"))

    def flattened(w: Any) -> tuple[Any, Loss]:
        """As autograd's optimisers do it: the flat vector is a copy, with no tie in it."""
        flat, unflatten = flatten((w, w.T))
        return flat, lambda flat: of_pair(unflatten(flat))

    yield row("flattened, as misc.optimizers do", flattened, CLEAN)
    yield row("w.T made in the loss", lambda w: (w, lambda w: error_of(anp, w, w.T)), CLEAN)


# jax: its arrays cannot be moved, so each evaluation makes the tree anew from one NumPy array.


def of_jax(
    make: Callable[[Any], tuple[Any, Loss]], *, compile_as: Callable[[Loss], Loss] = lambda f: f
) -> Model:
    """A tree made of a NumPy array, every leaf of it showing the whole, and its loss."""
    import jax
    from jax.test_util import check_grads

    from aliascheck.subjects import jax as home

    memory = W.copy()
    tree, loss = make(memory)
    loss = loss if compile_as is None else compile_as(loss)
    every, treedef = jax.tree_util.tree_flatten_with_path(tree)
    arrays = {
        jax.tree_util.keystr(path, simple=True, separator="."): one
        for path, one in every
        if isinstance(one, jax.Array)
    }

    def of_arrays(*given: Any) -> Any:
        left = iter(given)
        full = [next(left) if isinstance(one, jax.Array) else one for _, one in every]
        return loss(jax.tree_util.tree_unflatten(treedef, full))

    def gradients(mode: str) -> Arrays:
        found = jax.grad(of_arrays, argnums=tuple(range(len(arrays))))(*arrays.values())
        return dict(zip(arrays, found, strict=True))

    def value() -> float:
        other, its_loss = make(memory)
        return float(its_loss(other))

    return Model(
        slots=dict.fromkeys(arrays, memory),
        value=value,
        gradients=gradients,
        audit=by_audit(home, tree, loss),
        check=lambda: checked(
            lambda: check_grads(of_arrays, tuple(arrays.values()), order=1, modes=("rev",))
        ),
    )


def aligned(values: Any) -> Any:
    """The same numbers in NumPy memory that jax takes over without a copy."""
    raw = np.zeros(values.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    buffer = raw[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    buffer[...] = values
    return buffer


def jax_rows() -> Iterator[Row]:
    """Part 5.5, (j) and what jax captures."""
    import jax
    import jax.numpy as jnp

    def of_pair(pair: Any) -> Any:
        return error_of(jnp, pair["enc"], pair["dec"].T)

    def row(case: str, make: Callable[[Any], tuple[Any, Loss]], wanted: Demanded, **how: Any) -> Row:
        kept = {key: how.pop(key) for key in ("compile_as",) if key in how}
        return Row("5.5", f"jax: {case}", lambda: of_jax(make, **kept), wanted, **how)

    def twice(memory: Any) -> tuple[Any, Loss]:
        w = jnp.array(memory)
        return {"enc": w, "dec": w}, of_pair

    def twice_over(take: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, Loss]]:
        def make(memory: Any) -> tuple[Any, Loss]:
            buffer = aligned(memory)
            return {"enc": take(buffer), "dec": take(buffer)}, of_pair

        return make

    halves = partial("enc", "dec")
    yield row("(j) the same array twice", twice, halves)
    yield row("(j) the same, compiled", twice, halves, compile_as=jax.jit)
    yield row(
        "(j) the same, donated",
        twice,
        halves,
        compile_as=lambda loss: jax.jit(loss, donate_argnums=0),
        fact="the call raises",
    )
    yield row("device_put of one buffer twice", twice_over(jax.device_put), halves)
    yield row("from_dlpack of one buffer twice", twice_over(jnp.from_dlpack), halves)
    fixed = [jnp.array(W), jnp.array(W)]

    def with_copies(memory: Any) -> tuple[Any, Loss]:
        """Two arrays of the same numbers, one of which stays where it is."""
        return {"enc": jnp.array(memory)}, lambda tree: of_pair({**tree, "dec": fixed[0]})

    yield row("jnp.array of one buffer twice: copies", with_copies, CLEAN)

    def with_captured_view(memory: Any) -> tuple[Any, Loss]:
        buffer = aligned(memory)
        view = buffer.T
        return {"w": jax.device_put(buffer)}, lambda tree: error_of(jnp, tree["w"], view)

    def with_captured_array(memory: Any) -> tuple[Any, Loss]:
        w = jnp.array(memory)
        return {"w": w}, lambda tree: of_pair({"enc": tree["w"], "dec": w})

    yield row("captured view of NumPy's", with_captured_view, lost("w"))
    yield row("captured array", with_captured_array, lost("w"))
    transposed = fixed[1].T

    def with_transposed(memory: Any) -> tuple[Any, Loss]:
        return {"w": jnp.array(memory)}, lambda tree: error_of(jnp, tree["w"], transposed)

    yield row("captured jnp transpose: a copy", with_transposed, CLEAN)

    def with_stop(memory: Any) -> tuple[Any, Loss]:
        return {"w": jnp.array(memory)}, lambda tree: of_pair(
            {"enc": tree["w"], "dec": jax.lax.stop_gradient(tree["w"])}
        )

    yield row("stop_gradient(w)", with_stop, lost("w"))


def equinox_rows() -> Iterator[Row]:
    """Part 5.5, (k)."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    class Layer(eqx.Module):
        weight: Any

    class Pair(eqx.Module):
        """Two layers with one array, the second one transposed where it is used."""

        enc: Layer
        dec: Layer

    class Tied(eqx.Module):
        """Two layers, the second of which is made of the first in each call."""

        shared: Any

        def __init__(self, weight: Any) -> None:
            pair = Pair(Layer(weight), Layer(weight))
            self.shared = eqx.nn.Shared(pair, lambda pair: pair.dec.weight, lambda pair: pair.enc.weight)

    def of_pair(pair: Any) -> Any:
        return error_of(jnp, pair.enc.weight, pair.dec.weight.T)

    def shared(memory: Any) -> tuple[Any, Loss]:
        return Tied(jnp.array(memory)), lambda model: of_pair(model.shared())

    def twice(memory: Any) -> tuple[Any, Loss]:
        weight = jnp.array(memory)
        return Pair(Layer(weight), Layer(weight)), of_pair

    yield Row("5.5", "equinox: (k) eqx.nn.Shared", lambda: of_jax(shared), CLEAN)
    halves = partial("enc.weight", "dec.weight")
    yield Row("5.5", "equinox: (k2) no Shared", lambda: of_jax(twice), halves)
    compiled = lambda: of_jax(twice, compile_as=jax.jit)  # noqa: E731
    yield Row("5.5", "equinox: (k2) compiled", compiled, halves)

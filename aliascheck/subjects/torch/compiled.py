"""Compiled code of a user's: noticed, and left alone by evaluations that need the code it was made of.

Under a mode of torch functions, or over other tensors, a function would be compiled anew or given up, in the
user's own cache: the audit would not see what the compiler made, and the user would be left without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

import torch

COMPILER = "torch._dynamo"
BY_STANCE, BEFORE_STANCES = "_callback_from_stance", "set_eval_frame"  # what sets code up to be compiled


class Eager:
    """Lets functions that `torch.compile` made run the Python that they were made of.

    `entered` tells whether one has been called. Where the compiler is not loaded there is none, and nothing
    is done.
    """

    def __init__(self) -> None:
        self.entered = False

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """No function runs compiled in the body, and what was compiled is as before."""
        compiler = sys.modules.get(COMPILER)
        if compiler is None:
            with _forgotten_if_loaded(), self._once_loaded():
                yield
        elif has_stances():
            with torch.compiler.set_stance("force_eager"), _watched(compiler, BY_STANCE, self._pass):
                yield
        else:
            with _watched(compiler, BEFORE_STANCES, self._turn_off):
                yield

    @contextmanager
    def _once_loaded(self) -> Iterator[None]:
        """The same from the moment on at which the body compiles something: that loads the compiler."""
        make = torch.compile
        with ExitStack() as later:

            def make_eager(*args: Any, **kwargs: Any) -> Any:
                if torch.compile is make_eager:
                    torch.compile = make
                    import_module(COMPILER)
                    later.enter_context(self.in_force())
                return make(*args, **kwargs)

            torch.compile = make_eager
            try:
                yield
            finally:
                torch.compile = make

    def _pass(self, set_up: Callable[[Any], Any], callback: Any) -> Any:
        self.entered |= callback is not None
        return set_up(callback)

    def _turn_off(self, set_up: Callable[[Any], Any], callback: Any) -> Any:
        self.entered |= callback is not None
        return set_up(None)


def has_stances() -> bool:
    """Whether this torch can be told what compiled functions should do."""
    return hasattr(torch.compiler, "set_stance")


@contextmanager
def nothing_compiled_anew() -> Iterator[None]:
    """Compiled functions run if what is compiled fits, and raise RuntimeError if not."""
    with torch.compiler.set_stance("fail_on_recompile"):
        yield


@contextmanager
def _forgotten_if_loaded() -> Iterator[None]:
    """What the body is the first to compile is forgotten: there was nothing before."""
    try:
        yield
    finally:
        compiler = sys.modules.get(COMPILER)
        if compiler is not None:
            compiler.reset()


@contextmanager
def _watched(compiler: Any, name: str, watch: Callable[..., Any]) -> Iterator[None]:
    """Let `watch(function, callback)` stand for the function of the compiler that has this name."""
    frames = compiler.eval_frame
    function = getattr(frames, name)
    setattr(frames, name, lambda callback: watch(function, callback))
    try:
        yield
    finally:
        setattr(frames, name, function)

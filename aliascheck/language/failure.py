"""What the engine and NumPy raise, made errors of the expression at the part that raised."""

from __future__ import annotations

import ast
import re
from typing import Any, NoReturn

import numpy as np

from aliascheck.engine import primal
from aliascheck.errors import EngineError
from aliascheck.language.closures import too_many_calls
from aliascheck.language.error import ExpressionError, Source
from aliascheck.memory import dense

FAILURES = (
    ExpressionError,
    EngineError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    RecursionError,
)

_MISMATCH = re.compile(r"(\w+): Input operand .* mismatch in its core dimension .* (\(size .*\))")


def fail(source: Source, node: ast.AST, error: BaseException) -> NoReturn:
    """Raise `error` as one that happened at `node`. One from a lambda of this text is where it belongs."""
    if not isinstance(error, ExpressionError):
        message, hint = _readable(error)
        raise source.error_at(message, node, hint) from error
    if error.source is source:
        raise error
    origin = error.origin or error
    here = source.error_at(f"in the lambda called here: {origin.message}", node, origin.hint)
    here.snippet = f"{here.snippet}\n{origin.snippet}"
    here.origin = origin
    raise here from error


def _readable(error: BaseException) -> tuple[str, str | None]:
    if isinstance(error, EngineError):
        return error.message, error.hint
    if isinstance(error, RecursionError):
        deep = too_many_calls()
        return deep.message, deep.hint
    if isinstance(error, MemoryError):
        return "there is not enough memory", None
    if isinstance(error, KeyError):
        return f"there is nothing at {error}", None
    return _MISMATCH.sub(r"\1: the shapes do not fit \2", str(error)) or "this cannot be computed", None


def shape_misfit(symbol: str, x: Any, y: Any, error: BaseException) -> BaseException:
    """The error of operands whose shapes do not go together, in place of NumPy's."""
    if not isinstance(error, ValueError):
        return error
    left, right = (np.shape(dense(primal(side))) for side in (x, y))
    if left == right and symbol != "@":
        return error
    return EngineError(f"shapes {_in_words(left)} and {_in_words(right)} do not fit '{symbol}'")


def _in_words(shape: tuple[int, ...]) -> str:
    """A shape as Python writes it."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"

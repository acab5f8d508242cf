"""What a Python function reads by name: its globals and closure, followed without changing either.

Python does not tell when a name is read. So implicit mode calls a copy of the function whose captured
variables and globals are traced values; the function itself, and what it captured, stay as they are. Of
objects of a user's own classes, the copy meets copies (see `objects`). `Bindings` are names whose every
reading is told.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import partial
from itertools import chain
from threading import local
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from aliascheck.engine import objects
from aliascheck.engine.objects import ATOMS, is_library, reaches
from aliascheck.engine.params import Params
from aliascheck.engine.parts import Argument, GlobalRead, read_global
from aliascheck.engine.tape import Node, Sweep, Tape
from aliascheck.engine.tracer import Tracer
from aliascheck.errors import EngineError
from aliascheck.memory import Record, is_array, leaves


class CapturedRead(Node):
    """The reading of a captured variable: credits the object if it is watched."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        objects.claim(sweep.ledger, self.value, d_out)


class _NameRead(GlobalRead):
    """The reading of a global name whose value may be an object of a user's class."""

    __slots__ = ()

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        sweep.ledger.credit_global(self.name, d_out)
        objects.claim(sweep.ledger, self.value, d_out)


class _Following(local):
    """By what reads of `Bindings` are followed in this thread, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Follower] = []


_following = _Following()


class Bindings:
    """Named values whose reads are followed: what Zygote's implicit mode calls globals.

    main = Bindings(x=x, xt=adjoint(x))
    gradient(lambda: np.sum(main.xt * main.x), Params([x]))
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__["_values"] = values

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            raise AttributeError(name)
        value = self._values[name]
        stack = _following.stack
        return stack[-1].bound(name, value) if stack else value

    def __setattr__(self, name: str, value: Any) -> None:
        if _following.stack:
            raise EngineError(f"'{name}' cannot be bound again while it is differentiated")
        self._values[name] = value


Read = Callable[[Any], Node]  # from a value to the node that reading it is


class Follower:
    """What is put in place of values, so that a tape sees what is read of them.

    Arrays, records and containers become traced values; functions, objects of a user's class, and
    containers of such become copies that hold what is put in place of what they hold. There is one copy
    of each, so what is one object stays one, and what holds itself does so again: its gradient stands where
    it was reached first. In explicit mode only what arguments hold is followed, floats included; whole
    numbers that an object holds are counts, and constants.

    Passed as they are, and so constants: objects of libraries' classes and of classes with a finalizer,
    enumerations, sets, what a class itself is asked for (`Model.w`), what a cached function holds, and what
    methods read by name where the class has a metaclass of a user's own.
    """

    __slots__ = ("_classes", "_copies", "_explicit", "_pending", "_tape")

    def __init__(self, tape: Tape, *, explicit: bool) -> None:
        self._tape = tape
        self._explicit = explicit
        self._copies: dict[int, tuple[Any, Any]] = {}  # by the id of the original, which is kept alive
        self._classes: dict[type, type] = {}
        self._pending: deque[Callable[[], None]] = deque()

    def __enter__(self) -> None:
        """Follow what is read of `Bindings` meanwhile."""
        _following.stack.append(self)

    def __exit__(self, *error: object) -> None:
        _following.stack.pop()

    def function(self, function: Any) -> Any:
        """A callable with all that it reads by name, or holds, followed."""
        return self._completed(self._value(function, CapturedRead))

    def argument(self, position: int, value: Any) -> Any:
        """An argument of explicit mode. Raises EngineError where its class is not followed."""
        if type(value) is np.ndarray:
            return Tracer(value, self._tape, self._tape.record(Argument(position)))
        self._check_class(value, position)
        made = self._completed(self._value(value, lambda _: Argument(position)))
        if made is not value or type(value) in ATOMS - {int} or objects.is_object(value):
            return made
        return self._tracer(float(value) if type(value) is int else value, lambda _: Argument(position))

    def bound(self, name: str, value: Any) -> Any:
        """A value of `Bindings`, which is told of each reading."""
        if objects.is_object(value) or (isinstance(value, list | tuple | dict) and objects.is_opened(value)):
            return self._completed(self._value(value, partial(_NameRead, name)))
        return read_global(self._tape, name, value)

    def _completed(self, made: Any) -> Any:
        """What was made, once all that it leads to is: a long chain of objects is no deep recursion."""
        while self._pending:
            self._pending.popleft()()
        return made

    def _check_class(self, value: Any, position: int) -> None:
        known = isinstance(value, list | tuple | dict | Record | int | float | complex | np.generic)
        if known or is_array(value) or type(value) in ATOMS or objects.is_object(value):
            return
        if isinstance(value, ModuleType | type | Enum) or (
            callable(value) and is_library(type(value).__module__)
        ):
            return
        raise EngineError(
            f"argument {position} is an object of the class {type(value).__name__}, which is not followed",
            hint="give a dict, list, tuple, dataclass, Struct or plain object; capture it to have a constant",
        )

    def _tracer(self, value: Any, read: Read, access: Any = None) -> Tracer:
        return Tracer(value, self._tape, self._tape.record(read(value)), access)

    def _copied(self, value: Any, made: Any) -> Any:
        self._copies[id(value)] = (value, made)
        return made

    def _value(self, value: Any, read: Read, access: Any = None) -> Any:
        """What is put in place of `value`."""
        if type(value) in ATOMS or isinstance(value, np.generic):
            if self._explicit and isinstance(value, float | np.floating):
                return self._tracer(value, read, access)
            return value
        if id(value) in self._copies:
            return self._copies[id(value)][1]
        if is_array(value):
            return self._tracer(value, read, access) if objects.is_float(value) else value
        if isinstance(value, Params):
            value = list(value)
        if isinstance(value, list | tuple | dict):
            return self._container(value, read, access)
        if isinstance(value, Record):
            return self._tracer(value, read, access) if self._holds(value) else value
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, partial):
            return self._partial(value)
        if isinstance(value, MethodType):
            return MethodType(self._by_name(value.__func__), self._value(value.__self__, CapturedRead))
        if isinstance(value, ModuleType):
            return self._module(value)
        if objects.is_object(value) and reaches(value, numbers=self._explicit):
            return self._object(value, read)
        return value

    def _by_name(self, value: Any, read: Read = CapturedRead, access: Any = None) -> Any:
        """What is put in place of a value that a function reads: in explicit mode, a constant."""
        if not self._explicit or isinstance(value, FunctionType | partial | MethodType):
            return self._value(value, read, access)
        return self._copies.get(id(value), (value, value))[1]

    def _holds(self, value: Any) -> bool:
        return reaches(value, numbers=True) if self._explicit else holds_arrays(value)

    # Containers.

    def _container(self, value: Any, read: Read, access: Any) -> Any:
        if not objects.is_opened(value):
            return self._tracer(value, read, access) if self._holds(value) else value
        if not reaches(value, numbers=self._explicit):
            return value
        parts = dict(value) if isinstance(value, dict) else dict(enumerate(value))
        index = self._tape.record(read(value))
        if isinstance(value, tuple):
            items = [self._value(part, node) for _, part, node in objects.place_reads(value, parts, index)]
            return self._copied(value, objects.remade(value, items))
        made = self._copied(value, copy.copy(value))
        fill = dict.__setitem__ if isinstance(value, dict) else list.__setitem__

        def complete() -> None:
            for step, part, node in objects.place_reads(value, parts, index):
                fill(made, step, self._value(part, node))

        self._pending.append(complete)
        return made

    # Functions and modules.

    def _function(self, function: FunctionType) -> Any:
        if is_library(function.__module__) or (self._explicit and not function.__closure__):
            return function
        names = dict.fromkeys(objects.names_in(function.__code__)) if not self._explicit else {}
        space = function.__globals__ if self._explicit else dict(function.__globals__)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        code = function.__code__
        made = FunctionType(code, space, function.__name__, function.__defaults__, cells or None)
        made.__qualname__ = function.__qualname__
        made.__dict__.update(function.__dict__)
        made.__kwdefaults__ = function.__kwdefaults__

        def complete() -> None:
            if function.__defaults__ is not None:
                made.__defaults__ = tuple(
                    self._by_name(value, access=("default",)) for value in function.__defaults__
                )
            if function.__kwdefaults__ is not None:
                made.__kwdefaults__ = {
                    name: self._by_name(value, access=(name,))
                    for name, value in function.__kwdefaults__.items()
                }
            for name in names:
                if name in space:
                    space[name] = self._by_name(space[name], partial(_NameRead, name), (name,))
            for name, cell, old in zip(code.co_freevars, cells, function.__closure__ or (), strict=True):
                try:
                    value = old.cell_contents
                except ValueError:  # not bound yet
                    continue
                cell.cell_contents = self._by_name(value, access=(name,))

        self._pending.append(complete)
        return self._copied(function, made)

    def _partial(self, value: partial[Any]) -> Any:
        args = [self._by_name(arg) for arg in value.args]
        named = {name: self._by_name(arg) for name, arg in value.keywords.items()}
        return partial(self._by_name(value.func), *args, **named)

    def _module(self, module: ModuleType) -> Any:
        if self._explicit or is_library(module.__name__):
            return module
        return self._copied(module, _Module(module, self))

    def module_part(self, value: Any) -> Any:
        """A name of a module: watched it is credited, but the module has no entry."""
        return self._completed(self._value(value, CapturedRead))

    # Objects.

    def _object(self, value: Any, read: Read) -> Any:
        made = self._copied(value, objects.blank(self._class(type(value))))
        index = self._tape.record(read(value))
        held = objects.attributes(value)

        def complete() -> None:
            for name, part, node in objects.place_reads(value, held, index):
                objects.set_attribute(made, name, self._own(part, node))

        self._pending.append(complete)
        return made

    def _own(self, part: Any, node: Read) -> Any:
        """What is put in place of an attribute. What methods can write to is the copy's own."""
        found = self._value(part, node)
        if found is part and type(part) in (list, dict, set):
            return self._copied(part, copy.copy(part))
        return found

    def _class(self, kind: type) -> type:
        """`kind`, or a subclass of it whose methods, also those found by super(), are followed."""
        if kind in self._classes:
            return self._classes[kind]
        found = [] if self._explicit else [part for part in objects.class_functions(kind) if reaches(part[2])]
        if not found or not is_library(type(kind).__module__):
            return self._classes.setdefault(kind, kind)
        methods: dict[type, dict[str, Any]] = {
            kind: {"__init_subclass__": classmethod(lambda cls, **options: None)}
        }
        for base, name, part in found:
            methods.setdefault(base, {})[name] = self._method(part)
        added = {base: type(base.__name__, (), dict(space)) for base, space in methods.items()}

        def mro(made: type) -> list[type]:
            return [made, *chain.from_iterable([added[c], c] if c in added else [c] for c in kind.__mro__)]

        meta = type("Followed", (type(kind),), {"mro": mro})
        space = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
        return self._classes.setdefault(kind, meta(kind.__name__, (kind,), space))

    def _method(self, part: Any) -> Any:
        if isinstance(part, property):
            return property(*(self._value(one, CapturedRead) for one in (part.fget, part.fset, part.fdel)))
        if isinstance(part, staticmethod | classmethod):
            return type(part)(self._value(part.__func__, CapturedRead))
        return self._value(part, CapturedRead)


class _Module(ModuleType):
    """A module whose names are followed when they are read."""

    def __init__(self, module: ModuleType, follower: Follower) -> None:
        super().__init__(module.__name__, module.__doc__)
        dunders = {name: part for name, part in vars(module).items() if name.startswith("__")}
        self.__dict__.update(dunders, __followed__=(module, follower))

    def __getattr__(self, name: str) -> Any:
        module, follower = self.__dict__["__followed__"]
        found = follower.module_part(getattr(module, name))
        self.__dict__[name] = found
        return found


def holds_arrays(value: Any) -> bool:
    """Whether a value is, or holds, an array of floats."""
    return any(objects.is_float(array) for _, array in leaves(value, ("",)))

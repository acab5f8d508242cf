"""Loading: from files and folders to cases, and one error for each file that is bad."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from aliascheck.cases import files, schema
from aliascheck.cases.audits import read_audits
from aliascheck.cases.case import Case, Model
from aliascheck.cases.check import check_form
from aliascheck.cases.literals import below, read_literal
from aliascheck.cases.locate import MAX_NESTING, NestingError, locate
from aliascheck.cases.matrix import Bindings
from aliascheck.cases.names import check_binding
from aliascheck.cases.place import BadCase, caret
from aliascheck.cases.source import Source
from aliascheck.errors import CaseError, did_you_mean

_POSITION = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_LONG_INTEGER = re.compile(r"[0-9_]{4300,}")


def load_cases(paths: Sequence[str | PathLike[str]]) -> tuple[list[Case], list[CaseError]]:
    """The cases in files and folders, and the first error of every file that is bad.

    Folders are walked in sorted order for `*.toml`; one without case files contributes nothing.

    Raises: UsageError for a path that does not exist.
    """
    cases: list[Case] = []
    errors: list[CaseError] = []
    for found in files.find_files([Path(path) for path in paths]):
        if isinstance(found, BadCase):
            errors.append(found)
            continue
        try:
            cases.append(load_case(found))
        except BadCase as error:
            errors.append(error)
    return cases, errors


def load_case(path: str | PathLike[str]) -> Case:
    """The case in one file. Raises BadCase where it is bad."""
    path = Path(path)
    return read_case(files.read_bytes(path), files.shown_path(path), path.absolute().parent)


def read_case(data: bytes, file: str, folder: Path) -> Case:
    """The case that `data` writes; `file` is the name that messages use. Raises BadCase where it is bad."""
    text = files.decode(data, file)
    try:
        lines = locate(text)
        source = Source(file, _parse(text, file), lines)
        return _read(source, folder, data)
    except NestingError as error:
        raise BadCase(
            f"nested deeper than {MAX_NESTING} levels",
            file=file,
            line=error.line,
            inside=f"line {error.line}",
        ) from None
    except (RecursionError, MemoryError) as error:
        raise BadCase(f"too large or too deeply nested ({type(error).__name__})", file=file) from None


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, text, file) from None
    except ValueError:  # an integer of more digits than Python converts
        match = _LONG_INTEGER.search(text)
        line = text.count("\n", 0, match.start()) + 1 if match else 1
        inside = f"line {line}" if match else None
        raise BadCase("an integer over 2**53", file=file, line=line, inside=inside) from None


def _not_toml(error: tomllib.TOMLDecodeError, text: str, file: str) -> BadCase:
    match = _POSITION.fullmatch(str(error))
    if match is None:
        return BadCase(f"not TOML: {error}", file=file)
    message = f"not TOML: {match[1][:1].lower()}{match[1][1:]}"
    if match[2] is None:
        return BadCase(message, file=file, line=text.count("\n") + 1, inside="end of file")
    line, column = int(match[2]), int(match[3])
    snippet = caret(text.split("\n")[line - 1].rstrip("\r"), column)
    return BadCase(message, file=file, line=line, inside=f"line {line}, column {column}", snippet=snippet)


def _read(source: Source, folder: Path, data: bytes) -> Case:
    form = check_form(source)
    engine = _engine(source)
    model = _model(source, engine)
    return Case(
        path=source.file,
        folder=folder,
        title=form.title if isinstance(form.title, str) else "",
        source=form.source if isinstance(form.source, str) else "",
        engine=engine,
        model=model,
        let=_let(source),
        audits=read_audits(source, engine, foreign=model is not None),
        data=data,
    )


def _engine(source: Source) -> str:
    engine: str = source.data.get("engine", schema.BUILTIN)
    if engine not in schema.ENGINES:
        hint = did_you_mean(engine, schema.ENGINES) or f"one of {', '.join(schema.ENGINES)}"
        raise source.place(("engine",)).error(f"unknown engine '{engine}'", hint=hint)
    return engine


def _model(source: Source, engine: str) -> Model | None:
    if "model" not in source.data:
        return None
    place = source.place(("model",))
    if engine == schema.BUILTIN:
        raise place.error(
            "a Python model is audited with another engine than the bundled one",
            hint='write engine = "torch", "jax" or "autograd" at the top',
        )
    if "let" in source.data:
        raise place.error("a file has [let] or [model], not both")
    factory = source.data["model"].get("factory")
    if factory is None:
        raise place.error("no factory", hint='give one, such as factory = "model.py:make"')
    if not re.fullmatch(r"[^:]+(?::[^:]+)*:[A-Za-z_]\w*", factory):
        raise source.place(("model", "factory")).error(
            f"'{factory}' names no factory", hint="write file.py:name or package.module:name"
        )
    return Model(factory, source.data["model"].get("args", {}), place)


def _let(source: Source) -> Bindings:
    bindings = []
    for name, value in source.data.get("let", {}).items():
        check_binding(name, source.place(("let", name)))
        try:
            literal = read_literal(value, below(source.place, "let", name))
        except BadCase as error:
            if name in ("title", "source", "engine") and error.hint is None:
                error.hint = f"if the file's {name} is meant, put it above the header [let]"
            raise
        bindings.append((name, literal))
    return tuple(bindings)

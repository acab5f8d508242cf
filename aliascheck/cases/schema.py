"""The form of a case file: its tables and keys, as types and as the JSON Schema for editors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from aliascheck.cases.findings import NAMES, WITHOUT_SLOT

BUILTIN = "builtin"
ENGINES = (BUILTIN, "torch", "jax", "autograd")
MODES = ("implicit", "explicit")
EXPLICIT_ONLY = frozenset({"jax", "autograd"})
CONTRACTS = ("sum", "each", "owner")
STOPS = ("constant", "report")
MAX_COMBINATIONS = 1_000

NOT_YET = frozenset({"optimizers", "steps", "survives"})
"""Audit keys of the format that this release refuses."""

_NAME = "^(?!Main$)[A-Za-z][A-Za-z0-9_]*$"
_FINDING = "^({with_slot}):.+$|^({alone})$".format(
    with_slot="|".join(code for code in NAMES if code not in WITHOUT_SLOT),
    alone="|".join(sorted(WITHOUT_SLOT)),
)
_LET_VALUE = {
    "description": "A number, a nested list of numbers (an array), an expression, a list or a table of such.",
    "anyOf": [
        {"type": "number"},
        {"type": "string", "description": "an expression, such as adjoint(x)"},
        {"type": "array", "items": {"$ref": "#/$defs/LetValue"}},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/LetValue"}},
    ],
}
_EXPECTED_VALUE = {
    "description": 'A number, an array, "nothing", an expression, or a structure of such.',
    "anyOf": [
        {"type": "number"},
        {"type": "string", "description": '"nothing", or an expression such as ones(1, 3)'},
        {"type": "array", "items": {"$ref": "#/$defs/ExpectedValue"}},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/ExpectedValue"}},
    ],
}


class _Table(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class Tolerance(_Table):
    """Differences up to `atol + rtol * max|truth|` are accepted, even where the oracle sees further."""

    rtol: Annotated[float, Meta(ge=0, description="relative to the largest true derivative")] | UnsetType = (
        UNSET
    )
    atol: Annotated[float, Meta(ge=0, description="absolute")] | UnsetType = UNSET


class ModeExpectation(_Table):
    """What one mode must show."""

    gradients: (
        Annotated[
            dict[str, Any],
            Meta(
                description='Every entry reported: members of the set and, in implicit mode, "Main.name".',
                extra_json_schema={"additionalProperties": {"$ref": "#/$defs/ExpectedValue"}},
            ),
        ]
        | UnsetType
    ) = UNSET
    findings: (
        Annotated[
            list[Annotated[str, Meta(extra_json_schema={"pattern": _FINDING})]],
            Meta(
                description='Exactly these findings, such as "AC103:x" or "AC203"; [] asserts a clean audit.'
            ),
        ]
        | UnsetType
    ) = UNSET


class EngineExpectation(_Table):
    """What the modes of another engine must show."""

    implicit: ModeExpectation | UnsetType = UNSET
    explicit: ModeExpectation | UnsetType = UNSET


class Expect(_Table):
    """What each mode must show: of the file's engine, or below the name of another."""

    implicit: ModeExpectation | UnsetType = UNSET
    explicit: ModeExpectation | UnsetType = UNSET
    builtin: EngineExpectation | UnsetType = UNSET
    torch: EngineExpectation | UnsetType = UNSET
    jax: EngineExpectation | UnsetType = UNSET
    autograd: EngineExpectation | UnsetType = UNSET


class Defaults(_Table):
    """Keys that hold for all audits of the file. Tables merge by key, lists replace."""

    title: Annotated[str, Meta(description="What the audit shows.")] | UnsetType = UNSET
    params: (
        Annotated[
            list[str],
            Meta(
                description="The set: names of arrays, wrappers, structs, containers, or params(m).",
                extra_json_schema={"minItems": 1},
            ),
        ]
        | UnsetType
    ) = UNSET
    modes: (
        Annotated[
            list[Annotated[str, Meta(extra_json_schema={"enum": list(MODES)})]],
            Meta(description="Default: those that the engine has.", extra_json_schema={"minItems": 1}),
        ]
        | UnsetType
    ) = UNSET
    contract: (
        Annotated[
            str,
            Meta(
                description="Who consumes the gradients: sum, each, owner, or owner:SLOT.",
                extra_json_schema={"pattern": "^(sum|each|owner|owner:.+)$"},
            ),
        ]
        | UnsetType
    ) = UNSET
    stop_gradient: (
        Annotated[
            str,
            Meta(
                description="Whether what a deliberate stop removes is reported.",
                extra_json_schema={"enum": list(STOPS)},
            ),
        ]
        | UnsetType
    ) = UNSET
    ties: (
        Annotated[
            list[list[str]],
            Meta(
                description="Groups of places that must share memory.",
                extra_json_schema={"items": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
            ),
        ]
        | UnsetType
    ) = UNSET
    tolerance: Tolerance | UnsetType = UNSET
    seed: (
        Annotated[int, Meta(ge=0, description="Of the jitter and the probes, and of what a factory draws.")]
        | UnsetType
    ) = UNSET
    probes: Annotated[int, Meta(ge=1, description="Directions of each large group.")] | UnsetType = UNSET
    thorough: Annotated[bool, Meta(description="Also row by row.")] | UnsetType = UNSET
    timeout: Annotated[float, Meta(gt=0, description="Seconds for one audit.")] | UnsetType = UNSET
    matrix: (
        Annotated[
            dict[str, Any],
            Meta(
                description=f"Lists of values: one audit a combination, at most {MAX_COMBINATIONS:,}.",
                extra_json_schema={
                    "propertyNames": {"pattern": _NAME},
                    "additionalProperties": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"$ref": "#/$defs/LetValue"},
                    },
                },
            ),
        ]
        | UnsetType
    ) = UNSET
    args: (
        Annotated[dict[str, Any], Meta(description="What the factory is given, over the args of [model].")]
        | UnsetType
    ) = UNSET
    skip: Annotated[str, Meta(description="Why this audit is not run.")] | UnsetType = UNSET
    expect: Expect | UnsetType = UNSET


class Audit(Defaults):
    """One audit: a loss, a parameter set, and what is expected."""

    id: Annotated[str, Meta(description="Unique in the file; default: its number, from 1.")] | UnsetType = (
        UNSET
    )
    loss: Annotated[str, Meta(description="An expression that gives a real scalar.")] | UnsetType = UNSET


class Model(_Table):
    """A model that lives in Python, for another engine than the bundled one."""

    factory: (
        Annotated[str, Meta(description="file.py:name beside the case file, or package.module:name.")]
        | UnsetType
    ) = UNSET
    args: Annotated[dict[str, Any], Meta(description="Keyword arguments of the factory.")] | UnsetType = UNSET


class CaseFile(_Table):
    """One model, its memory and how parts of it alias, and any number of audits of it."""

    title: Annotated[str, Meta(description="What the file is about.")] | UnsetType = UNSET
    source: Annotated[str, Meta(description="Where the case comes from.")] | UnsetType = UNSET
    engine: (
        Annotated[str, Meta(description="Default: builtin.", extra_json_schema={"enum": list(ENGINES)})]
        | UnsetType
    ) = UNSET
    let: (
        Annotated[
            dict[str, Any],
            Meta(
                description="The model: named bindings, in order.",
                extra_json_schema={
                    "propertyNames": {"pattern": _NAME},
                    "additionalProperties": {"$ref": "#/$defs/LetValue"},
                },
            ),
        ]
        | UnsetType
    ) = UNSET
    model: Model | UnsetType = UNSET
    defaults: Defaults | UnsetType = UNSET
    audit: (
        Annotated[list[Audit], Meta(description="The audits.", extra_json_schema={"minItems": 1})] | UnsetType
    ) = UNSET


def json_schema() -> dict[str, Any]:
    """The JSON Schema of case files, with descriptions, for editors."""
    schema = msgspec.json.schema(CaseFile)
    definitions = {**schema["$defs"], "LetValue": _LET_VALUE, "ExpectedValue": _EXPECTED_VALUE}
    definitions["CaseFile"] = {**definitions["CaseFile"], "required": ["audit"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aliascheck case file",
        "$ref": schema["$ref"],
        "$defs": definitions,
    }

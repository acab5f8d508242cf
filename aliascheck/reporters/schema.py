"""The JSON Schema of the JSON report, format 1."""

from __future__ import annotations

from typing import Any

import msgspec

from aliascheck.report import FORMAT, Report

NUMBER = {
    "description": "A number; infinities and not-a-number are strings.",
    "anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}],
}
SUMMARY = {
    "description": "An array of more than 64 elements: its norm, its largest element, its first eight.",
    "type": "object",
    "properties": {
        "shape": {"type": "array", "items": {"type": "integer"}},
        "norm": {"$ref": "#/$defs/Number"},
        "max": {"$ref": "#/$defs/Number"},
        "head": {"type": "array", "items": {"$ref": "#/$defs/Number"}, "maxItems": 8},
    },
    "required": ["shape", "norm", "max", "head"],
    "additionalProperties": False,
}
VALUE = {
    "description": "A gradient: a number, nested lists, a large array, a structural value by field, "
    '"nothing"; null where it was not measured.',
    "anyOf": [
        {"$ref": "#/$defs/Number"},
        {"enum": ["nothing", None]},
        {"type": "array", "items": {"$ref": "#/$defs/Value"}},
        {"$ref": "#/$defs/LargeArray"},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/Value"}},
    ],
}
ENTRY = {
    "description": "How many times a slot holds an access's contribution; some elements of it only, a value "
    "that no counting explains, null where the contribution is zero wherever it was measured.",
    "anyOf": [{"type": "integer"}, {"enum": ["part", "w", None]}],
}
SHARED = {"Number": NUMBER, "LargeArray": SUMMARY, "Value": VALUE, "Entry": ENTRY}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a report. Keys may be added to reports, so that unknown ones are allowed."""
    schema = msgspec.json.schema(Report)
    definitions = _tidy(schema["$defs"])
    definitions["Report"]["properties"]["format"] = {"const": FORMAT}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aliascheck report",
        "$ref": schema["$ref"],
        "$defs": {**definitions, **SHARED},
    }


def _tidy(schema: Any) -> Any:
    """References without what they stand for, descriptions in one line."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {key: part for key, part in schema.items() if key in ("$ref", "default")}
    tidied = {key: _tidy(part) for key, part in schema.items()}
    if isinstance(tidied.get("description"), str):
        tidied["description"] = " ".join(tidied["description"].split())
    return tidied

"""Case files: their form, how they load, what they expect, and how their bindings are made."""

from aliascheck.cases.bindings import Scope, evaluate_bindings, merge_bindings
from aliascheck.cases.case import Audit, Case, Model, Tolerance
from aliascheck.cases.compare import Mismatch, compare, compare_entries, show
from aliascheck.cases.expectations import Expectation, ExpectedValue
from aliascheck.cases.findings import NAMES as FINDING_NAMES
from aliascheck.cases.literals import ExpressionLiteral
from aliascheck.cases.load import load_case, load_cases, read_case
from aliascheck.cases.members import Member, MemberPath, ParamsOf
from aliascheck.cases.place import BadCase, Place
from aliascheck.cases.schema import json_schema
from aliascheck.cases.texts import write_bindings, write_model

__all__ = [
    "FINDING_NAMES",
    "Audit",
    "BadCase",
    "Case",
    "Expectation",
    "ExpectedValue",
    "ExpressionLiteral",
    "Member",
    "MemberPath",
    "Mismatch",
    "Model",
    "ParamsOf",
    "Place",
    "Scope",
    "Tolerance",
    "compare",
    "compare_entries",
    "evaluate_bindings",
    "json_schema",
    "load_case",
    "load_cases",
    "merge_bindings",
    "read_case",
    "show",
    "write_bindings",
    "write_model",
]

"""The catalogue of findings as rules of SARIF."""

from __future__ import annotations

from typing import Any, Final

from aliascheck.reporters.general import general
from aliascheck.verdicts.catalogue import CATALOGUE, Row

LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}
PROBLEMS: Final = {"error": "error", "warning": "warning", "info": "recommendation"}  # GitHub's words
UNMET: Final = "unmet"


def _rule(row: Row) -> dict[str, Any]:
    return {
        "id": row.code,
        "name": row.name.capitalize(),
        "shortDescription": {"text": f"{row.code} {row.name}"},
        "fullDescription": {"text": row.meaning},
        "help": _help(row),
        "defaultConfiguration": {"level": LEVELS[row.severity]},
        "properties": {"tags": ["gradient", "aliasing"], "problem.severity": PROBLEMS[row.severity]},
    }


def _help(row: Row) -> dict[str, str]:
    parts = [("Meaning", row.meaning), ("Do", general(row.do)), ("Example", row.example)]
    given = [(label, text) for label, text in parts if text]
    return {
        "text": "\n".join(f"{label}: {text}" for label, text in given),
        "markdown": "\n\n".join(f"**{label}:** {_code(text, label)}" for label, text in given),
    }


def _code(text: str, label: str) -> str:
    return f"``{text}``" if label == "Example" else text


_UNMET_RULE: Final = {
    "id": UNMET,
    "name": "Unmet",
    "shortDescription": {"text": "an expectation of the case is not met"},
    "fullDescription": {"text": "The case states gradients or findings, and the audit shows others."},
    "help": {"text": "Do: mend what changed; if the change is right, write the new values down in the case."},
    "defaultConfiguration": {"level": "error"},
    "properties": {"tags": ["gradient", "aliasing"], "problem.severity": "error"},
}

RULES: Final = [*map(_rule, CATALOGUE), _UNMET_RULE]
INDICES: Final = {str(rule["id"]): number for number, rule in enumerate(RULES)}

NOTIFICATIONS: Final = [
    {"id": "bad-file", "shortDescription": {"text": "a case file could not be read"}},
    {"id": "incomplete", "shortDescription": {"text": "an audit could not be completed"}},
    {"id": "fixed", "shortDescription": {"text": "a finding is fixed, and still recorded"}},
    {"id": "skipped", "shortDescription": {"text": "an audit was skipped"}},
]

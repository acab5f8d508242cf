"""What the catalogue says of a finding in general, without the names of an audit."""

from __future__ import annotations

STAND_INS = {
    "accesses": "what the loss reads",
    "slot": "this slot",
    "other": "the other slot",
    "or_else": ", keep only this slot in the set, or use explicit mode",
    "add_or_read": "add what the loss reads to the set, or let the loss read the memory through this slot",
}


def general(template: str) -> str:
    """A template's text with words in place of the names of an audit."""
    for field, words in STAND_INS.items():
        template = template.replace(f"{{{field}}}", words)
    return template.replace("{", "").replace("}", "")

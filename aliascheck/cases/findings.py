"""The names of findings, as a case file writes them: `AC103:x`, `AC203`, `AC301:adam`."""

from __future__ import annotations

from aliascheck.cases.names import normalize_name
from aliascheck.cases.place import Place
from aliascheck.errors import did_you_mean

NAMES = {
    "AC101": "nothing",
    "AC102": "misplaced",
    "AC103": "partial",
    "AC104": "double",
    "AC105": "wrong",
    "AC106": "structural",
    "AC107": "nonfinite",
    "AC108": "shape",
    "AC109": "failed",
    "AC201": "kink",
    "AC202": "noisy",
    "AC203": "mutates",
    "AC204": "law",
    "AC205": "ambiguous",
    "AC206": "undecided",
    "AC301": "optimizer",
    "AC302": "untied",
}
WITHOUT_SLOT = frozenset({"AC109", "AC202", "AC203", "AC204", "AC302"})
OF_OPTIMIZER = "AC301"


def read_finding(text: str, place: Place, *, foreign: bool) -> str:
    """The finding that `text` names, its slot written as reports write it.

    Slots of Python models (`foreign`) keep the names that their framework gives them.

    Raises: BadCase for an unknown code, and a slot that is missing or does not belong.
    """
    code, colon, slot = text.partition(":")
    if code not in NAMES:
        raise place.error(f"unknown finding '{code}'", hint=_nearest(code))
    if code in WITHOUT_SLOT:
        if colon:
            raise place.error(f"{code} ({NAMES[code]}) stands alone, without a slot", hint=f"write '{code}'")
        return code
    if not slot.strip():
        what = "an optimizer" if code == OF_OPTIMIZER else "a slot"
        example = "adam" if code == OF_OPTIMIZER else "x"
        raise place.error(f"{code} ({NAMES[code]}) names {what}", hint=f"write '{code}:{example}'")
    if code == OF_OPTIMIZER or foreign:
        return f"{code}:{slot.strip()}"
    return f"{code}:{normalize_name(slot, place, offset=len(code) + 1, whole=text)}"


def _nearest(code: str) -> str | None:
    for known, name in NAMES.items():
        if code.strip().lower() in (known.lower(), name):
            return f"did you mean '{known}'?"
    return did_you_mean(code, NAMES)

"""JSON text in characters that steer nothing, of the same value."""

from __future__ import annotations

import re
from typing import Any

import msgspec

STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def write_json(data: Any) -> str:
    """`data` as indented JSON; half a character, from a file name that is no UTF-8, stands as `\\udcff`."""
    plain = msgspec.to_builtins(data)
    try:
        encoded = msgspec.json.encode(plain)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_whole(plain))
    text = msgspec.json.format(encoded, indent=2).decode() + "\n"
    return STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    return value

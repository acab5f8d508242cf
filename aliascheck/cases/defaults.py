"""[defaults], which hold for every audit of a file: tables merge by key, lists replace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an audit over those of [defaults]. The value of a gradient entry is never merged."""
    merged = {**defaults, **own}
    for key in defaults.keys() & own.keys():
        left, right = defaults[key], own[key]
        if isinstance(left, dict) and isinstance(right, dict):
            merged[key] = {**left, **right} if key == "gradients" else merge(left, right)
    return merged

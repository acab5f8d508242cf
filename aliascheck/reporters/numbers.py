"""Numbers as people read them: no longer than their error bound and the comparison need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

SIGNIFICANT = 5
MOST_SIGNIFICANT = 17
LARGEST_FIXED = 1e7
SMALLEST_FIXED = 1e-4
ALMOST_ZERO = "~0"
INLINE = 6  # elements of an array that are written out
SUMMARY = {"shape", "norm", "max", "head"}
WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class Digits:
    """How many digits to show: significant ones, and at most so many after the point."""

    significant: int = SIGNIFICANT
    decimals: int | None = None


def format_number(value: float, digits: Digits = Digits()) -> str:
    """`value` with no more digits than asked, and no trailing zeros; `~0` for what only rounds to 0."""
    if not math.isfinite(value):
        return str(value)
    rounded = _round(value, digits)
    if rounded == 0.0 != value:
        return ALMOST_ZERO
    if rounded == int(rounded) and abs(rounded) < LARGEST_FIXED:
        return str(int(rounded))
    if SMALLEST_FIXED <= abs(rounded) < LARGEST_FIXED:
        return _stripped(f"{rounded:.{_places(rounded, digits.significant)}f}")
    mantissa, _, exponent = f"{rounded:.{digits.significant - 1}e}".partition("e")
    return f"{_stripped(mantissa)}e{int(exponent)}"


def format_bound(bound: float | str | None) -> str:
    """An error bound in one digit, rounded up: `3e-11`; `-` where there is none."""
    number = as_number(bound)
    if number is None:
        return "-"
    if number <= 0.0 or not math.isfinite(number):
        return format_number(number)
    mantissa, _, exponent = f"{number:.16e}".partition("e")
    digit = math.ceil(float(mantissa))
    return f"1e{int(exponent) + 1}" if digit > 9 else f"{digit}e{int(exponent)}"


def choose_digits(values: Sequence[Any], bound: float | str | None) -> Digits:
    """The fewest digits at which the first of `values` still differs from the others where they differ."""
    limit = as_number(bound)
    decimals = _decimals(limit)
    pairs = list(_differing(values, limit))
    for extra in range(MOST_SIGNIFICANT - SIGNIFICANT + 1):
        digits = Digits(SIGNIFICANT + extra, None if decimals is None else decimals + extra // 4)
        if all(format_number(a, digits) != format_number(b, digits) for a, b in pairs):
            return digits
    return Digits(MOST_SIGNIFICANT)


def format_value(value: Any, digits: Digits = Digits(), inline: int = INLINE) -> str:
    """A gradient: `nothing`, `2`, `[1 2; 3 4]`, `(parent=1)`, beyond `inline` elements `norm 3`."""
    if isinstance(value, dict):
        if is_summary(value):
            return "all 0" if value["max"] == 0 else f"norm {format_value(value['norm'], digits)}"
        return "(" + ", ".join(f"{k}={format_value(v, digits, inline)}" for k, v in value.items()) + ")"
    if value is None:
        return "-"
    if not isinstance(value, list):
        number = as_number(value)
        return str(value) if number is None else format_number(number, digits)
    numbers = flatten(value)
    if numbers is None:
        return "[" + ", ".join(format_value(part, digits, inline) for part in value) + "]"
    if len(numbers) == 1:
        return format_number(numbers[0], digits)
    if len(numbers) > inline:
        return _in_brief(numbers, digits)
    return _nested(value, digits)


def as_number(value: Any) -> float | None:
    """The number that JSON data stands for, or None."""
    if isinstance(value, str):
        return WORDS.get(value)
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_summary(value: Any) -> bool:
    """Whether `value` stands for an array too large to be written out."""
    return isinstance(value, dict) and value.keys() == SUMMARY


def flatten(value: Any) -> list[float] | None:
    """The elements of an array in order, or None for anything that is no array of numbers."""
    if isinstance(value, list):
        parts = [flatten(part) for part in value]
        return [x for part in parts for x in part or ()] if None not in parts else None
    number = as_number(value)
    return None if number is None else [number]


def size(value: Any) -> int:
    """The number of elements of a value, 0 where it is no array."""
    if is_summary(value):
        return math.prod(value["shape"])
    return len(flatten(value) or ())


def farthest(value: Any, other: Any, shape: Sequence[int]) -> tuple[tuple[int, ...], float, float] | None:
    """Where two arrays differ most, with both numbers there; None where they cannot be compared."""
    ours, theirs = flatten(value), flatten(other)
    if not ours or theirs is None or len(ours) != len(theirs) or len(ours) != math.prod(shape):
        return None
    distance = [math.inf if math.isnan(a - b) else abs(a - b) for a, b in zip(ours, theirs, strict=True)]
    position = max(range(len(ours)), key=distance.__getitem__)
    return _unravel(position, shape), ours[position], theirs[position]


def format_shape(shape: Sequence[int]) -> str:
    """A shape as NumPy users write it, without spaces: `(3,)`, `(64,32)`."""
    return f"({shape[0]},)" if len(shape) == 1 else "(" + ",".join(map(str, shape)) + ")"


def _stripped(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _round(value: float, digits: Digits) -> float:
    if digits.decimals is None:
        return value
    rounded = round(value, digits.decimals)
    return rounded if rounded else _tiny(value, digits.decimals)


def _tiny(value: float, decimals: int) -> float:
    """Zero, unless rounding hides a number that is clearly above what the bound allows."""
    return value if abs(value) > 10.0**-decimals else 0.0


def _places(value: float, significant: int) -> int:
    return max(0, significant - 1 - math.floor(math.log10(abs(value))))


def _decimals(bound: float | None) -> int | None:
    if bound is None or not math.isfinite(bound) or bound <= 0:
        return None
    return max(0, math.floor(-math.log10(bound) - math.log10(2)))


def _differing(values: Sequence[Any], bound: float | None) -> Iterator[tuple[float, float]]:
    allowed = bound if bound is not None and math.isfinite(bound) else 0.0
    first = flatten(values[0]) or []
    for other in values[1:]:
        numbers = flatten(other) or []
        if len(numbers) == len(first):
            yield from ((a, b) for a, b in zip(first, numbers, strict=True) if abs(a - b) > allowed)


def _nested(value: Any, digits: Digits) -> str:
    if not isinstance(value, list):
        return format_number(as_number(value) or 0.0, digits)
    if value and isinstance(value[0], list) and not (value[0] and isinstance(value[0][0], list)):
        return "[" + "; ".join(" ".join(_nested(x, digits) for x in row) for row in value) + "]"
    return "[" + " ".join(_nested(part, digits) for part in value) + "]"


def _in_brief(numbers: list[float], digits: Digits) -> str:
    strange = sum(not math.isfinite(number) for number in numbers)
    if strange:
        return f"{strange} of {len(numbers)} not finite"
    if len(set(numbers)) == 1:
        return f"all {format_number(numbers[0], digits)}"
    return f"norm {format_number(math.hypot(*numbers), digits)}"


def _unravel(position: int, shape: Sequence[int]) -> tuple[int, ...]:
    index = []
    for length in reversed(shape):
        position, here = divmod(position, length)
        index.append(here)
    return tuple(reversed(index))

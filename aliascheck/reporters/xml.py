"""XML text: elements that any parser reads back as they were, save for what XML cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
# What a parser would read as something else, and what would steer whoever looks at the file itself
REFERENCED = "\r\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
IN_TEXT = re.compile(f'[&<>"{REFERENCED}]')
IN_ATTRIBUTE = re.compile(f'[&<>"\t\n{REFERENCED}]')


@dataclass(frozen=True)
class Element:
    """An element with either text or other elements in it."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    content: str | list[Element] = ""


def document(root: Element) -> str:
    """An XML document; characters that XML forbids are replaced."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + "".join(f"{line}\n" for line in _lines(root, ""))


def _lines(element: Element, indent: str) -> Iterator[str]:
    pairs = "".join(f' {name}="{_escaped(text, IN_ATTRIBUTE)}"' for name, text in element.attributes.items())
    start = f"{indent}<{element.tag}{pairs}"
    if not element.content:
        yield f"{start}/>"
    elif isinstance(element.content, str):
        yield f"{start}>{_escaped(element.content, IN_TEXT)}</{element.tag}>"
    else:
        yield f"{start}>"
        for child in element.content:
            yield from _lines(child, indent + "  ")
        yield f"{indent}</{element.tag}>"


def _escaped(text: str, wanted: re.Pattern[str]) -> str:
    allowed = FORBIDDEN.sub(REPLACEMENT, text)
    return wanted.sub(lambda match: MARKUP.get(match[0]) or f"&#{ord(match[0])};", allowed)

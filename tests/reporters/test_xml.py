"""What is written is what a parser reads, save for what XML cannot hold."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.reporters.xml import Element, document
from tests.reporters.samples import INJECTIONS

TEXTS = st.text(st.characters(), max_size=40) | st.sampled_from(INJECTIONS)


def allowed(char: str) -> bool:
    """Production 2 of XML 1.0, Char."""
    code = ord(char)
    return (
        char in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    )


def kept(text: str) -> str:
    return "".join(char if allowed(char) else "\ufffd" for char in text)


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_text_and_attributes_come_back(attribute: str, text: str) -> None:
    written = document(Element("a", {"b": attribute}, [Element("c", {}, text)]))
    root = ElementTree.fromstring(written.encode())
    assert root.attrib == {"b": kept(attribute)}
    assert (root[0].text or "") == kept(text)


@given(TEXTS)
@settings(deadline=None)
def test_what_would_steer_a_terminal_is_not_written(text: str) -> None:
    written = document(Element("a", {"b": text}, text))
    assert not any(char in written for char in "\x1b\x9b\x07\u202e\u2066\u2028\x7f\r")

"""What `aliascheck explain` knows: the catalogue of findings, the verdict words, and the topics."""

from __future__ import annotations

from rich.text import Text

from aliascheck.reporters.general import general
from aliascheck.reporters.layout import hanging, line, wrap
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import BAD, KNOWN, PLAIN, QUIET, STRONG
from aliascheck.verdicts.catalogue import CATALOGUE, TOPICS, WORDS, Row

SEVERITY_STYLES = {"error": BAD, "warning": KNOWN, "info": QUIET}
LABEL_COLUMN = 9


def known() -> list[str]:
    """Everything that can be asked for."""
    return [
        *(row.code for row in CATALOGUE),
        *(row.name for row in CATALOGUE),
        *WORDS,
        *TOPICS,
        "all",
    ]


def index_lines(page: Page) -> list[Text]:
    """Every finding, word and topic, a line each."""
    lines = [line(("Findings", STRONG))]
    for row in CATALOGUE:
        lines += _defined(f"{row.code} {row.name}", row.meaning, page, SEVERITY_STYLES[row.severity], 19)
    lines += [line(), line(("Verdict words", STRONG))]
    for word, meaning in WORDS.items():
        lines += _defined(word, meaning, page, PLAIN, 19)
    lines += [line(), line(("Topics", STRONG))]
    lines += [line((topic, PLAIN), indent=2) for topic in TOPICS]
    return [*lines, line(), line(("aliascheck explain WHAT says more about each of these.", QUIET))]


def all_lines(page: Page) -> list[Text]:
    """Everything, in full."""
    entries = [
        *(_finding(row, page) for row in CATALOGUE),
        [text for word in WORDS for text in _word(word, page)],
        *(_topic(topic, page) for topic in TOPICS),
    ]
    return [text for entry in entries for text in (*entry, line())][:-1]


def entry_lines(what: str, page: Page) -> list[Text]:
    """What is known about one code, name, word or topic; empty where nothing is."""
    wanted = what.strip().lower()
    entries = [_finding(row, page) for row in CATALOGUE if wanted in (row.code.lower(), row.name)]
    entries += [_word(word, page) for word in WORDS if wanted == word]
    entries += [_topic(topic, page) for topic in TOPICS if wanted in (topic, topic.replace(" ", "-"))]
    return [text for entry in entries for text in (*entry, line())][:-1]


def _finding(row: Row, page: Page) -> list[Text]:
    lines = [
        line((f"{row.code} {row.name}", STRONG), ("  ", PLAIN), (row.severity, SEVERITY_STYLES[row.severity]))
    ]
    parts = (("means", row.meaning), ("do", general(row.do)), ("example", row.example))
    for label, text in parts:
        if text:
            lines += hanging((label, QUIET), page.show(text), page, indent=2, hang=LABEL_COLUMN)
    return lines


def _word(word: str, page: Page) -> list[Text]:
    return hanging((word, STRONG), page.show(f"(verdict word) {WORDS[word]}"), page, indent=0, hang=12)


def _topic(topic: str, page: Page) -> list[Text]:
    lines = [line((topic, STRONG))]
    for paragraph in _paragraphs(TOPICS[topic]):
        hang = 2 if paragraph.startswith("- ") else 0
        first, *rest = wrap(page.show(paragraph), page.width - 2 - hang)
        lines.append(line((first, PLAIN), indent=2))
        lines += [line((text, PLAIN), indent=2 + hang) for text in rest]
    return lines


def _paragraphs(text: str) -> list[str]:
    """Paragraphs joined to one line each; list items are paragraphs, empty lines are kept."""
    paragraphs: list[str] = []
    for part in text.splitlines():
        fresh = not paragraphs or not part or not paragraphs[-1] or part.startswith("- ")
        if fresh:
            paragraphs.append(part)
        else:
            paragraphs[-1] += " " + part.strip()
    return paragraphs


def _defined(term: str, meaning: str, page: Page, style: str, hang: int) -> list[Text]:
    return hanging((term, style), page.show(meaning), page, indent=2, hang=hang)

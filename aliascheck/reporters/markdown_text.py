"""Text from case files in GitHub's Markdown: shown as it is, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aliascheck.reporters.visible import visible

MARKUP = re.compile(
    r"""[$*<>\\`|~]        # math, emphasis, HTML, escapes, code, cells, deletion
    | (?<![^\W_])_ | _(?![^\W_])   # emphasis again: inside a name it is none
    | &(?=[#\w])           # a reference to a character
    | \](?=[(\[:])          # a link
    | :(?=//)             # an address, which is a link by itself
    | (?<=www)\.
    | @(?=\S) | [#](?=\w)  # someone, or an issue
    """,
    re.IGNORECASE | re.VERBOSE,
)
REFERENCE = re.compile("(&#(?:64|35);)")  # GitHub still knows @someone and #12 when they are written so
NO_SPAN = re.compile(r"[`|\\]|^\s|\s$|^$")
BREAK = "&#8203;"


def prose(text: str) -> str:
    """`text` inside a paragraph, a table or HTML, on one line; it mentions and links nothing."""
    references = MARKUP.sub(lambda match: f"&#{ord(match[0])};", visible(text))
    return REFERENCE.sub(rf"\1{BREAK}", references)


def code(text: str) -> str:
    """`text` as code, on one line."""
    shown = visible(text)
    return html_code(text) if NO_SPAN.search(shown) else f"`{shown}`"


def html_code(text: str) -> str:
    """`text` as code where no Markdown is read, such as in the summary of folded parts."""
    return f"<code>{prose(text)}</code>"


def code_block(text: str) -> str:
    """`text` as it is, in a block of lines."""
    lines = [visible(line) for line in text.splitlines()]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def folded(summary: str, content: str) -> str:
    """`content` behind a line that opens it; `summary` is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"
